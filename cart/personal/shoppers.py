"""What is held of shoppers themselves: customers, consents, carts, lists."""

from typing import Final

from cart.personal.model import Erasure, Holding, Reveals, Scope

_UNTIL_ERASED: Final = "until she asks for its erasure: it is her own, and she comes back to it"
_EVIDENCE: Final = (
    "that she consented has to be shown later too (GDPR, Art. 7(1)): the ledger is only added to,"
    " and hangs on a random id that after an erasure is nobody's"
)
_LEDGER: Final = "as long as something done under it can be disputed; nothing deletes it by itself"

PEOPLE: Final = (
    Holding(
        "customer",
        holds="that a person has proved an address, and when",
        found=(("id", Scope.CUSTOMER),),
        shown=("id", "created_at"),
        erasure=Erasure.DELETE,
        kept=_UNTIL_ERASED,
    ),
    Holding(
        "customer_email",
        holds="her e-mail addresses",
        found=(("customer_id", Scope.CUSTOMER),),
        reveals=(Reveals("address", Scope.ADDRESS),),
        shown=("address", "verified_at"),
        hidden=("customer_id",),
        erasure=Erasure.DELETE,
        kept=_UNTIL_ERASED,
    ),
    Holding(
        "sign_in_code",
        holds="address, language and times of a wish to sign in; the code itself is not kept",
        found=(("email", Scope.ADDRESS),),
        shown=("email", "locale", "requested_at", "sent_at", "used_at", "expires_at", "tries"),
        hidden=("id", "browser_hash", "state", "failure"),
        erasure=Erasure.DELETE,
        kept="a day after it is too old to use: to answer that no mail came",
    ),
    Holding(
        "passkey",
        holds="public halves of her passkeys, and when and where they were added and used",
        found=(("customer_id", Scope.CUSTOMER),),
        shown=("device", "backed_up", "created_at", "used_at"),
        hidden=("id", "customer_id", "credential_id", "public_key", "sign_count"),
        erasure=Erasure.DELETE,
        kept="until she removes it, or asks for erasure",
    ),
    Holding(
        "account_letter",
        holds="that a letter about her account was to go to her: address, language, what it told"
        " and of which device",
        found=(("customer_id", Scope.CUSTOMER), ("email", Scope.ADDRESS)),
        shown=("email", "kind", "device", "locale", "requested_at", "sent_at"),
        hidden=("id", "customer_id", "state", "failure"),
        erasure=Erasure.DELETE,
        kept="seven days: to answer that no mail came",
    ),
    Holding(
        "passkey_challenge",
        holds="that she was about to add a passkey",
        found=(("customer_id", Scope.CUSTOMER),),
        shown=("expires_at",),
        hidden=("id", "browser_hash", "customer_id"),
        erasure=Erasure.DELETE,
        kept="five minutes: nobody may answer it later",
    ),
    Holding(
        "push_phone",
        holds="where the push service of her phone takes rings for it, and its language",
        found=(("session_id", Scope.SESSION),),
        reveals=(Reveals("id", Scope.PUSH_PHONE),),
        shown=("endpoint", "locale", "reminders", "created_at"),
        hidden=("id", "session_id", "point", "auth"),
        erasure=Erasure.DELETE,
        kept="until she takes it back, its push service says that it is gone, or with its session",
    ),
    Holding(
        "push_ring",
        holds="that her phone was to be rung: when, and what it was told",
        found=(("phone_id", Scope.PUSH_PHONE),),
        shown=("kind", "location_id", "about", "number", "requested_at", "sent_at"),
        hidden=("id", "phone_id", "state", "ends_at", "failure"),
        erasure=Erasure.DELETE,
        kept="a day: to answer that a phone did not ring",
    ),
    Holding(
        "rate_limit",
        why="subjects are kept under a keyed hash and for a day: the rows name nobody",
    ),
    Holding(
        "joining",
        holds="that a cart joined hers at a sign-in",
        found=(("customer_id", Scope.CUSTOMER),),
        reveals=(
            Reveals("id", Scope.JOINING),
            Reveals("from_session_id", Scope.SESSION, while_null="undone_at"),
            Reveals("to_session_id", Scope.SESSION),
        ),
        shown=("joined_at", "left_out", "undone_at"),
        hidden=("id", "customer_id", "from_session_id", "to_session_id"),
        erasure=Erasure.DELETE,
        kept=_UNTIL_ERASED,
    ),
    Holding(
        "joining_line",
        holds="which pieces a joining brought",
        found=(("joining_id", Scope.JOINING),),
        shown=("gtin", "quantity"),
        hidden=("joining_id",),
        erasure=Erasure.DELETE,
        kept="with its joining",
    ),
    Holding(
        "joining_moved",
        holds="which lists and orders came along with a joining",
        found=(("joining_id", Scope.JOINING),),
        shown=("kind", "thing_id"),
        hidden=("joining_id",),
        erasure=Erasure.DELETE,
        kept="with its joining",
    ),
)

CONSENTS: Final = (
    Holding(
        "consent_subject",
        holds="whose decisions on consent these are",
        found=(("customer_id", Scope.CUSTOMER), ("session_id", Scope.SESSION)),
        reveals=(Reveals("id", Scope.CONSENT_SUBJECT),),
        shown=("id", "began_at"),
        hidden=("customer_id", "session_id", "joined_id", "erased_at"),
        erasure=Erasure.BLANK,
        blanks={"customer_id": None, "session_id": None},
        why=_EVIDENCE,
        kept=_LEDGER,
    ),
    Holding(
        "consent",
        holds="a decision on consent: purpose, yes or no, when, where, on which words",
        found=(("subject_id", Scope.CONSENT_SUBJECT),),
        shown=("purpose", "number", "granted", "source", "wording_hash", "decided_at"),
        hidden=("subject_id", "location_id"),
        erasure=Erasure.KEEP,
        why=_EVIDENCE,
        kept=_LEDGER,
    ),
    Holding("consent_wording", plain=("text",), why="words that were shown, to whomever"),
    Holding(
        "consent_trace",
        plain=("address_hash",),
        why="a keyed hash of an address that was erased: only who names it finds her evidence",
    ),
)

CARTS: Final = (
    Holding(
        "shopper_session",
        holds="a time with the shop, anonymous or a customer's own; its language",
        found=(
            ("id", Scope.SESSION),
            ("customer_id", Scope.CUSTOMER),
            ("cart_id", Scope.CART),
        ),
        reveals=(Reveals("id", Scope.SESSION), Reveals("cart_id", Scope.CART)),
        shown=("id", "cart_id", "locale", "created_at", "ended_at"),
        hidden=("customer_id", "emptied_at"),
        erasure=Erasure.BLANK,
        blanks={"customer_id": None, "locale": "en"},
        why="orders and visits of devices name it; emptied, its random id is nobody's any more",
        kept="an anonymous one: ANONYMOUS_KEEP_DAYS after anything was done; a customer's: until"
        " she asks for its erasure",
    ),
    Holding(
        "session_key",
        holds="a phone that is signed in: what it calls itself, since when, last used",
        found=(("session_id", Scope.SESSION),),
        shown=("device", "created_at", "seen_at", "expires_at"),
        hidden=("token_hash", "session_id", "ends_at", "prior_session_id"),
        erasure=Erasure.DELETE,
        kept="a customer's: until it opens nothing any more, 30 days unused, at most 90",
    ),
    Holding(
        "cart",
        holds="that a cart is there",
        found=(("id", Scope.CART),),
        shown=("id", "created_at", "version", "currency"),
        hidden=("latest_at_us",),
        erasure=Erasure.KEEP,
        why="an emptied session names it; without lines and operations it says nothing",
        kept="with its session",
    ),
    Holding(
        "cart_line",
        holds="what lies in a cart",
        found=(("cart_id", Scope.CART),),
        shown=(
            *("cart_id", "gtin", "sku", "quantity", "price_minor", "currency"),
            *("location_id", "added_at_us"),
        ),
        hidden=("last_at_us", "last_operation_id"),
        erasure=Erasure.DELETE,
        kept="with its cart",
    ),
    Holding(
        "cart_operation",
        holds="everything that was done to a cart: what, when, on which device",
        found=(("cart_id", Scope.CART),),
        shown=(
            *("cart_id", "gtin", "sku", "kind", "quantity", "at_us", "source"),
            *("price_minor", "currency", "location_id"),
        ),
        hidden=("id", "version", "received_at_us"),
        erasure=Erasure.DELETE,
        kept="with its cart, which is the fold of them",
    ),
    Holding(
        "saved_list",
        holds="a list that she keeps, by the name that she gave it",
        found=(("session_id", Scope.SESSION),),
        reveals=(Reveals("id", Scope.LIST),),
        shown=("id", "name", "created_at", "deleted_at"),
        hidden=("session_id",),
        erasure=Erasure.DELETE,
        kept="with its session",
    ),
    Holding(
        "saved_list_line",
        holds="what stands on a list",
        found=(("list_id", Scope.LIST),),
        shown=(
            *("list_id", "position", "gtin", "sku", "quantity", "price_minor", "currency"),
            "location_id",
        ),
        erasure=Erasure.DELETE,
        kept="with its list",
    ),
    Holding(
        "list_request",
        holds="that a list was to be mailed, and to which address",
        found=(("list_id", Scope.LIST),),
        mentions=(("email", ""),),
        shown=("list_id", "email", "locale", "state", "requested_at", "sent_at"),
        hidden=("id", "location_id", "failure"),
        erasure=Erasure.DELETE,
        kept="the address: MAIL_KEEP_DAYS after the mail was sent; the rest with its list",
    ),
    Holding(
        "request_key",
        holds="the answer to a request, so that the same request again has the same answer",
        found=(("session_id", Scope.SESSION),),
        shown=("created_at", "status"),
        hidden=("key_hash", "request_hash", "session_id", "salt", "body"),
        erasure=Erasure.DELETE,
        kept="7 days: a phone that was offline over a weekend repeats its last request; so long an"
        " address stands also in the answer to somebody else who typed it",
    ),
)
