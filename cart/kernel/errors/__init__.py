"""The one tree of errors.

Every refusal in the project is one of these. A class has a ``code``, which travels and never
changes, and typed ``data``; it knows nothing of HTTP or MQTT. Of segments: ``errors.segments``.
Every refusal in the project is one of these. A class has a stable ``code`` (it
travels to phones and devices and never changes) and typed ``data``; it knows
nothing of HTTP or MQTT: the edges translate.

CarryoverError
├── InvalidInput            what came in is not what the contract says
│   ├── InvalidGtin         wrong length, letters, or check digit
│   ├── InvalidMoney        unknown currency or a fraction of a minor unit
│   ├── InvalidPayload      not JSON, unknown field, wrong type
│   ├── InvalidEmail        an address no mail can be sent to
│   ├── UnusableFeed        a file that no row can be read from
│   ├── UnreadablePhoto     no picture, or no code in it
│   ├── PinTooEasy          a wristband's PIN that is no PIN, or guessed first
│   ├── SealBroken          sealed, and changed since or for another key
│   ├── UploadBroken        not the bytes that were announced; it is gone
│   ├── IdempotencyKeyMissing
│   └── IdempotencyKeyReused  the same key with another request
├── NotFound                a well-formed name that nothing answers to
│   ├── UnknownGtin         no variant in the catalogue carries this code
│   ├── UnknownSku
│   ├── UnknownLocation
│   ├── UnknownProduct
│   ├── UnknownDevice
│   ├── UnknownCart
│   ├── UnknownList
│   ├── UnknownCheckout
│   ├── UnknownOrder
│   ├── UnknownTask         no pick task, pick line or substitution has this id
│   ├── UnknownVoucher      no voucher has this code
│   ├── UnknownStaff
│   ├── UnknownJoining      no joining of carts has this id, or it is another's
│   ├── UnknownBand         no wristband has this number, or whoever asks holds none
│   ├── UnknownServingPlace nobody is served in this part of this shop
│   ├── UnknownTurn         no turn in a queue of this shop has this id
│   ├── UnknownPlan         this phone has no plan of a visit, or this is not in it
│   ├── UnknownBooking      nothing of this id is booked in this shop
│   ├── ObjectGone          no object of this name beside the database
│   ├── UnknownLook         no look has this id, or it is somebody else's
│   ├── UnknownLooksPhone   no phone asks to open looks under this name
│   ├── UnknownShare        a link to a look that leads nowhere, or no more
│   ├── UnknownUpload       none of this id is under way
│   ├── UnknownSizeRequest  no wish from a fitting room of this shop has this id
│   ├── UnknownWithdrawal   a link for withdrawing consent that is not ours
│   └── UnknownClaim        a claim link that was never issued, or is gone
├── Refused                 understood, and not allowed
│   ├── DeviceRevoked
│   ├── AddressRefused      where we send nothing: no address, or one of our own network
│   ├── EventNotAllowed     this kind of device may not send this
│   ├── SourceMismatch      the event names another device than its topic
│   ├── EnrolmentRefused    the one-time token is wrong, used or too old
│   ├── NoSession           nobody's phone: there is no shopper session yet
│   │   └── SignInNeeded    a page of a customer's own, and nobody is signed in
│   ├── SignInCodeRefused   a code from an e-mail that is wrong, used, too old, or another phone's
│   ├── ConsentMissing      it needs consent, and there is none
│   ├── BrowserRefuses      the browser's Global Privacy Control stands against it
│   ├── PasskeyRefused      one that we do not know, or that did not answer what was asked
│   ├── FreshSignInNeeded   signed in, but not lately
│   ├── OriginRefused       a browser sent it from another website
│   ├── NotSignedIn         a page of staff, and nobody is signed in
│   │   └── SessionLocked   she is, and the device wants her PIN
│   ├── SignInRefused       wrong number or PIN, or too many tries
│   ├── SecondFactorRefused a code of staff's second factor: wrong, used, too old, or too many
│   ├── ProviderRefused     a sign-in by the identity provider that does not fit, or has no access
│   ├── RoleNeeded          her role does not do this, or not to this account
│   ├── LeadNeeded          only a lead may do this
│   ├── OperatorNeeded      only an operator may do this
│   ├── SignatureRefused    a provider's message that is not signed as agreed
│   ├── DeskCodeRefused     a code from a shopper's page that is wrong, used or too old
│   ├── PursePinRefused     a wrong PIN for a wristband
│   ├── PurseLocked         too many of them: she unlocks it from her phone
│   ├── GrantRefused        a grant to upload that is wrong, over, or another device's
│   ├── LooksClosed         begun on another phone, which has to let this one in
│   ├── LooksPinNeeded      looks behind a PIN, which was not said of late
│   ├── WrongLooksPin
│   ├── CodeRefused         a handover code that is wrong or was tried too often
│   ├── ClaimUsed           another phone has taken this list along
│   └── ClaimExpired        the tablet was put down too long ago
├── Conflict                allowed, but not in the present state
│   ├── InsufficientStock   fewer pieces available-to-promise than asked for
│   ├── ReferenceReused     the same movement again, with another number of pieces
│   ├── SchemaNewer         the database was made by a newer version
│   ├── VisitEnded
│   ├── CheckoutChanged     it is not what the shopper saw, or has problems; she decides anew
│   ├── CheckoutClosed      it is paid, cancelled, or being paid
│   ├── VoucherRefused      used up, too old, or in another currency
│   ├── TaskTaken           a colleague holds it
│   ├── WrongItem           not what this line asks for
│   ├── TooManyPieces       more than the line still wants
│   ├── OfferClosed         a substitution that was answered, or not in time
│   ├── AlreadyHandedOver   a code or order that was given out before
│   ├── NoAddress           an order without an e-mail address: nowhere to send a message
│   ├── BandNotHere         a wristband that is out, lost, retired, or of another drawer
│   ├── BandHeld            a shopper holds one wristband at a time
│   ├── DeskReaderAway      the receiver at a desk is not connected
│   ├── BandAway            none was held to this desk lately
│   ├── SeveralBands        several are near the desk: nobody can say whose pays
│   ├── PurseOff            she does not pay with a wristband
│   ├── PurseLimit          more than she lets a payment, or a day, be
│   ├── PurseShort          her balance is too small
│   ├── TurnOver            a turn in a queue that has ended, or was not called yet
│   ├── TimeNotOffered      the shop is closed then, or it is over or too far ahead
│   ├── BookingFull         all that can be booked for this quarter hour is taken
│   ├── AlreadyBooked       a shopper has one fitting room and one adviser at a time
│   ├── BookingClash        two things booked for one quarter hour
│   ├── BookingOver         a booking that was served, or whose time is over
│   ├── PlanNotToday        not expected yet, or not any more
│   ├── NoLooksKey          nothing can be sealed to whoever visits: she has not said yes
│   ├── UploadOutOfStep     bytes that do not begin where the upload stands
│   ├── SizeRequestTaken    a colleague looks for it
│   ├── SizeRequestOver     a wish from a fitting room that was answered or called off
│   ├── NotReady            not staged yet, or closed
│   ├── ConsentChanged      decided on since, or the wording is another by now
│   ├── ErasureWaits        something of hers is under way: an order to be collected, a payment
│   ├── LastOperator        somebody has to look after the devices
│   ├── UndoClosed          the time to undo it is over, or what it brought is being paid
│   └── InFlight            the same request is being worked on
├── LimitExceeded           more than the stated limit
│   ├── PayloadTooLarge
│   ├── TooManyLines
│   ├── QueueFull           more wait than will be served
│   ├── TooManyLooks        as many looks, links or uploads at once as there may be
│   ├── TooManySizeRequests so much is on its way to one fitting room already
│   ├── TooMuchTried        more things in a fitting room than anybody brings in
│   ├── TooManyPasskeys     a customer has as many as we keep
│   ├── TooManyAttempts     so often within the time that somebody may be guessing
│   └── SpoolFull           a device keeps as much as it may until the gateway answers
└── Unavailable             a part we need does not answer; trying again helps
    ├── StorageFull         no room for more objects
    ├── ProviderUnavailable the retailer's identity provider does not answer
    └── PaymentUnavailable  the provider made no page: nothing is held, nothing was charged
"""

from cart.kernel.errors.bands import (
    BandHeld as BandHeld,
    BandNotHere as BandNotHere,
    DeskCodeRefused as DeskCodeRefused,
    DeskReaderAway as DeskReaderAway,
    UnknownBand as UnknownBand,
)
from cart.kernel.errors.carrying import (
    ClaimExpired as ClaimExpired,
    ClaimUsed as ClaimUsed,
    DeviceRevoked as DeviceRevoked,
    EnrolmentRefused as EnrolmentRefused,
    EventNotAllowed as EventNotAllowed,
    IdempotencyKeyMissing as IdempotencyKeyMissing,
    IdempotencyKeyReused as IdempotencyKeyReused,
    InFlight as InFlight,
    InsufficientStock as InsufficientStock,
    InvalidEmail as InvalidEmail,
    InvalidGtin as InvalidGtin,
    InvalidMoney as InvalidMoney,
    InvalidPayload as InvalidPayload,
    NoSession as NoSession,
    OriginRefused as OriginRefused,
    PayloadTooLarge as PayloadTooLarge,
    ReferenceReused as ReferenceReused,
    SchemaNewer as SchemaNewer,
    SourceMismatch as SourceMismatch,
    SpoolFull as SpoolFull,
    TooManyLines as TooManyLines,
    TooManyMails as TooManyMails,
    UnknownCart as UnknownCart,
    UnknownClaim as UnknownClaim,
    UnknownDevice as UnknownDevice,
    UnknownGtin as UnknownGtin,
    UnknownList as UnknownList,
    UnknownLocation as UnknownLocation,
    UnknownProduct as UnknownProduct,
    UnknownSku as UnknownSku,
    UnreadablePhoto as UnreadablePhoto,
    UnusableFeed as UnusableFeed,
    VisitEnded as VisitEnded,
)
from cart.kernel.errors.looks import (
    GrantRefused as GrantRefused,
    LooksClosed as LooksClosed,
    LooksPinNeeded as LooksPinNeeded,
    NoLooksKey as NoLooksKey,
    ObjectGone as ObjectGone,
    SealBroken as SealBroken,
    StorageFull as StorageFull,
    TooManyLooks as TooManyLooks,
    UnknownLook as UnknownLook,
    UnknownLooksPhone as UnknownLooksPhone,
    UnknownShare as UnknownShare,
    UnknownUpload as UnknownUpload,
    UploadBroken as UploadBroken,
    UploadOutOfStep as UploadOutOfStep,
    WrongLooksPin as WrongLooksPin,
)
from cart.kernel.errors.people import (
    BrowserRefuses as BrowserRefuses,
    ConsentChanged as ConsentChanged,
    ConsentMissing as ConsentMissing,
    ErasureWaits as ErasureWaits,
    FreshSignInNeeded as FreshSignInNeeded,
    PasskeyRefused as PasskeyRefused,
    SignInCodeRefused as SignInCodeRefused,
    SignInNeeded as SignInNeeded,
    TooManyAttempts as TooManyAttempts,
    TooManyPasskeys as TooManyPasskeys,
    UndoClosed as UndoClosed,
    UnknownJoining as UnknownJoining,
    UnknownWithdrawal as UnknownWithdrawal,
)
from cart.kernel.errors.plans import (
    AlreadyBooked as AlreadyBooked,
    BookingClash as BookingClash,
    BookingFull as BookingFull,
    BookingOver as BookingOver,
    PlanNotToday as PlanNotToday,
    TimeNotOffered as TimeNotOffered,
    UnknownBooking as UnknownBooking,
    UnknownPlan as UnknownPlan,
)
from cart.kernel.errors.purse import (
    BandAway as BandAway,
    PinTooEasy as PinTooEasy,
    PurseLimit as PurseLimit,
    PurseLocked as PurseLocked,
    PurseOff as PurseOff,
    PursePinRefused as PursePinRefused,
    PurseShort as PurseShort,
    SeveralBands as SeveralBands,
)
from cart.kernel.errors.queues import (
    QueueFull as QueueFull,
    TurnOver as TurnOver,
    UnknownServingPlace as UnknownServingPlace,
    UnknownTurn as UnknownTurn,
)
from cart.kernel.errors.rooms import (
    SizeRequestOver as SizeRequestOver,
    SizeRequestTaken as SizeRequestTaken,
    TooManySizeRequests as TooManySizeRequests,
    TooMuchTried as TooMuchTried,
    UnknownSizeRequest as UnknownSizeRequest,
)
from cart.kernel.errors.roots import (
    CarryoverError as CarryoverError,
    Conflict as Conflict,
    InvalidInput as InvalidInput,
    LimitExceeded as LimitExceeded,
    NotFound as NotFound,
    Refused as Refused,
    Unavailable as Unavailable,
)
from cart.kernel.errors.selling import (
    AlreadyHandedOver as AlreadyHandedOver,
    CheckoutChanged as CheckoutChanged,
    CheckoutClosed as CheckoutClosed,
    CodeRefused as CodeRefused,
    LastOperator as LastOperator,
    LeadNeeded as LeadNeeded,
    NoAddress as NoAddress,
    NotReady as NotReady,
    NotSignedIn as NotSignedIn,
    OfferClosed as OfferClosed,
    OperatorNeeded as OperatorNeeded,
    PaymentUnavailable as PaymentUnavailable,
    ProviderRefused as ProviderRefused,
    ProviderUnavailable as ProviderUnavailable,
    RoleNeeded as RoleNeeded,
    SecondFactorRefused as SecondFactorRefused,
    SessionLocked as SessionLocked,
    SignInRefused as SignInRefused,
    SignatureRefused as SignatureRefused,
    TaskTaken as TaskTaken,
    TooManyPieces as TooManyPieces,
    UnknownCheckout as UnknownCheckout,
    UnknownOrder as UnknownOrder,
    UnknownStaff as UnknownStaff,
    UnknownTask as UnknownTask,
    UnknownVoucher as UnknownVoucher,
    VoucherRefused as VoucherRefused,
    WrongItem as WrongItem,
)
from cart.kernel.errors.sending import (
    AddressRefused as AddressRefused,
)
