"""What kinds, channels and facets of a story are called on pages."""

from collections.abc import Mapping
from typing import Final

from cart.profile.interests.model import Facet
from cart.profile.timeline.model import Channel, Kind
from mobile_api.edge.problems import N_

KINDS: Final[Mapping[Kind, str]] = {
    Kind.SCANNED: N_("Seen or put on the list"),
    Kind.REMOVED: N_("Taken off the list"),
    Kind.TRIED: N_("Tried on"),
    Kind.SIZE_ASKED: N_("Another size or colour asked for"),
    Kind.LOOK_KEPT: N_("Look kept"),
    Kind.LISTED: N_("List saved"),
    Kind.LIST_MAILED: N_("List asked for by e-mail"),
    Kind.CHECKOUT_OPENED: N_("Checkout opened"),
    Kind.ORDERED: N_("Bought"),
    Kind.READY: N_("Ready at the desk"),
    Kind.COLLECTED: N_("Collected"),
    Kind.CANCELLED: N_("Cancelled and paid back"),
    Kind.RETURNED: N_("Brought back"),
    Kind.MAIL_SENT: N_("E-mail sent"),
    Kind.MAIL_OPENED: N_("E-mail opened"),
    Kind.SIGNED_IN: N_("Signed in on a device"),
    Kind.MESSAGE_SENT: N_("Message sent"),
    Kind.CAME_BACK: N_("Came back by a message"),
}
CHANNELS: Final[Mapping[Channel, str]] = {
    Channel.TABLET: N_("on a tablet in the shop"),
    Channel.MIRROR: N_("at a mirror"),
    Channel.BAND: N_("with the wristband"),
    Channel.PHONE: N_("on a phone or computer"),
    Channel.DESK: N_("at the desk"),
    Channel.MAIL: N_("by e-mail"),
    Channel.SHOP: N_("by the shop"),
    Channel.PUSH: N_("as a notification"),
    Channel.SMS: N_("by SMS"),
    Channel.WHATSAPP: N_("by WhatsApp"),
}
FACETS: Final[Mapping[Facet, str]] = {
    Facet.CATEGORY: N_("Kinds of things"),
    Facet.BRAND: N_("Brands"),
    Facet.COLOUR: N_("Colours"),
    Facet.SIZE: N_("Sizes"),
}
# Why an interest is there: what she did with which article.
BECAUSE: Final[Mapping[Kind, str]] = {
    Kind.SCANNED: N_("because you looked at %(name)s"),
    Kind.TRIED: N_("because you tried on %(name)s"),
    Kind.SIZE_ASKED: N_("because you asked for %(name)s"),
    Kind.ORDERED: N_("because you bought %(name)s"),
}
