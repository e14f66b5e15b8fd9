"""The registry of personal data: every table of every package, and what lies beside them."""

from typing import Final

from cart.journeys import personal as of_journeys
from cart.personal import held as of_cart
from cart.personal.model import Elsewhere, Erasure, Holding
from gateway import personal as of_gateway
from inventory_api import personal as of_inventory

REGISTRY: Final[tuple[Holding, ...]] = (
    *of_cart.HELD,
    *of_journeys.HELD,
    *of_gateway.HELD,
    *of_inventory.HELD,
)

ELSEWHERE: Final = (
    Elsewhere(
        "tables of the workflows (DBOS): `DATA_DIR/workflows.db`, or the schema `dbos`",
        "ids; of a payment also the e-mail address that its provider is told",
        "the workflows of her payments are deleted",
        "30 days after a workflow ended",
    ),
    Elsewhere(
        "`DATA_DIR/mail`: the embedded mail sink, where no SMTP_URL is set",
        "whole mails",
        "mails to her addresses are deleted",
        "the newest 500 mails: it is for trying out",
    ),
    Elsewhere(
        "`DATA_DIR/sandbox-bank.db`: the test bank's books",
        "the e-mail address of a payment",
        "emptied",
        "as long as the file: it is for trying out",
    ),
    Elsewhere(
        "objects: `DATA_DIR/objects`, or the bucket of OBJECTS_URL",
        "videos and contact sheets of looks, sealed: neither this server nor who has its key opens"
        " them without her phone",
        "deleted; before that what opens them",
        "as long as their looks; what is of none, two hours",
    ),
    Elsewhere(
        "`DATA_DIR/audiences`: files for advertisers, where an audience's target is `file`",
        "hashes of e-mail addresses of customers who allowed it",
        "her hash is in a file of removals with the next round",
        "until whoever uploads them deletes them: they are to be deleted once they were uploaded",
    ),
    Elsewhere(
        "`DATA_DIR/texts`: what SMS and WhatsApp messages would say, where no TEXT_URL is set",
        "their words and links, the last three digits of a number, ids",
        "nothing: once her rows are gone an id and a link lead nowhere",
        "30 days",
    ),
    Elsewhere(
        "spools of devices",
        "events that were not sent yet; one that asks for a list has the address",
        "events of her visits are acknowledged and done away with, so the device forgets them",
        "until the gateway has acknowledged them",
    ),
    Elsewhere(
        "logs, metrics, traces",
        "ids only: no address, no name, no cart",
        "nothing: once her rows are gone an id leads nowhere",
        "whatever collects them decides",
    ),
    Elsewhere(
        "backups",
        "everything that the tables hold",
        "not changed; what was erased is erased again after a restore",
        "as long as the operator keeps them: decide on it, 30 days are usual",
    ),
    Elsewhere(
        "the payment provider (Stripe)",
        "card, address and payments: it is answerable for them itself",
        "not reached from here; an order's `provider_ref` finds it in the provider's dashboard",
        "by the provider's own rules and those of banks",
    ),
)


def as_markdown() -> str:
    """Return what docs/privacy.md says of every table, as lines of two tables and a list."""
    lines = ["| table | of a person | erasure | kept |", "|---|---|---|---|"]
    for one in sorted(REGISTRY, key=lambda holding: holding.table):
        if one.holds:
            stays = one.why if one.erasure is not Erasure.DELETE else ""
            erasure = f"{one.erasure.value}{': ' if stays else ''}{stays}"
            lines.append(f"| `{one.table}` | {one.holds} | {erasure} | {one.kept} |")
    lines += ["", "| beside the tables | of a person | erasure | kept |", "|---|---|---|---|"]
    lines += [f"| {one.what} | {one.holds} | {one.erasure} | {one.kept} |" for one in ELSEWHERE]
    lines += ["", "Tables with nothing of a shopper:", ""]
    for one in sorted(REGISTRY, key=lambda holding: holding.table):
        if not one.holds:
            lines.append(f"- `{one.table}`: {one.why}")
    return "\n".join(lines) + "\n"
