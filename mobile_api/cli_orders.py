"""Command line: orders, one order's story, and whether everything adds up."""

from typing import Annotated, Final

import typer
from sqlmodel import col, select

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.money import Money
from cart.orders import queries, refunding
from cart.orders.model import OrderState
from cart.orders.tables import OrderRow
from inventory_api.terminal import opened_database
from mobile_api.reconciling import findings

app = typer.Typer(help="Orders, and whether they add up.", no_args_is_help=True)
DIFFERENT: Final = 1


@app.command("list")
def newest(
    location: Annotated[str | None, typer.Option(help="Of this location only.")] = None,
    state: Annotated[OrderState | None, typer.Option(help="In this state only.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1_000)] = 50,
) -> None:
    """Show orders, the newest first."""
    statement = select(OrderRow).order_by(col(OrderRow.placed_at).desc(), col(OrderRow.id).desc())
    if location is not None:
        statement = statement.where(OrderRow.location_id == location)
    if state is not None:
        statement = statement.where(OrderRow.state == state.value)
    with opened_database() as (engine, _), reading(engine) as db:
        for row in db.exec(statement.limit(limit)):
            total = Money(row.total_minor, row.currency)
            typer.echo(
                f"{row.id}  {row.ticket:<8}  {row.state:<11}  {row.location_id}"
                f"  {total.amount} {row.currency}  promised {row.promise_at:%Y-%m-%d %H:%M} UTC"
            )


@app.command("show")
def show(order_id: Annotated[str, typer.Argument(help="Order id.")]) -> None:
    """Show an order: lines, money, history."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        order = queries.order_view(db, order_id)
        note_at_terminal(db, Action.ORDER_SEE, On("order", order.id))
        unit = order.currency
        typer.echo(
            f"{order.id}  {order.ticket}  {order.state}  {order.method}  {order.location_id}"
            f"  promised {order.promise_at:%Y-%m-%d %H:%M} UTC"
        )
        for line in order.lines:
            typer.echo(
                f"  {line.sku:<24} {line.quantity} at {Money(line.price_minor, unit).amount} {unit}"
                f"  picked {line.picked}  cancelled {line.cancelled}"
                f"  handed over {line.handed_over}  returned {line.returned}"
            )
        for paid in order.paid:
            back = Money(paid.refunded_minor, unit).amount
            typer.echo(
                f"  {paid.kind}: {Money(paid.amount_minor, unit).amount} {unit}, refunded {back}"
            )
        for refund in order.refunds:
            amount = Money(refund.amount_minor, unit).amount
            why = f": {refund.failure}" if refund.failure else ""
            typer.echo(
                f"  refund {refund.id}: {amount} {unit} {refund.state} ({refund.reason}){why}"
            )
        for entry in order.history:
            typer.echo(
                f"  {entry.number:>4}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.what}  {entry.actor}"
            )


@app.command("retry-refund")
def retry_refund(
    refund_id: Annotated[str, typer.Argument(help="Refund id, as `show` has it.")],
) -> None:
    """Carry out a refund anew that the provider has refused, or that did not arrive."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        refunding.retry(db, SystemClock(), refund_id=refund_id, actor="operator")
        note_at_terminal(db, Action.REFUND_RETRY, On("refund", refund_id))
    typer.echo(f"{refund_id} is due again; the API process carries it out")


@app.command("reconcile")
def reconcile() -> None:
    """Add up orders, money and pieces, and report each difference. Changes nothing.

    Ends with 1 if something is wrong.
    """
    wrong = 0
    with opened_database() as (engine, _), reading(engine) as db:
        for one in findings(db, SystemClock().now()):
            wrong += one.wrong
            typer.echo(f"{one.what} {one.id}: {one.words}{'' if one.wrong else '; on its way'}")
        typer.echo(f"{wrong:,} wrong")
    raise typer.Exit(DIFFERENT if wrong else 0)
