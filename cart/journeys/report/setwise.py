"""The statement of the report: everybody's touches of a period, folded to one row a group.

One pass over the period's part of the timeline, by the index on its time. What needs words:

- Her sessions are one person: those that joined hers, and those that have her cart. A tablet's
  visit that an empty phone took along has the phone's cart from then on.
- Only who allows analytics is counted, as of now: this puts visits together.
- A list has no place of its own: it counts where its owner was last before.
"""

from collections.abc import Iterable
from typing import Final

from cart.journeys.report.model import CHANNELS, COUNTED, KEEPING, LOOKED, SPANS, Seen, Step
from cart.profile.consent.holders import Holders
from cart.profile.timeline.model import Kind

_US_PER_S: Final = 1_000_000


def _words(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{one}'" for one in sorted(kinds))  # our own words: values of enums


_STEP: Final = (
    f"CASE WHEN kind = '{Kind.COLLECTED}' THEN {Step.COLLECTED:d}"
    f" WHEN kind = '{Kind.ORDERED}' THEN {Step.ORDERED:d}"
    f" WHEN kind = '{Kind.CHECKOUT_OPENED}' THEN {Step.CHECKOUT:d}"
    f" WHEN kind IN ({_words(KEEPING)}) THEN {Step.KEPT:d}"
    f" WHEN kind = '{Kind.SCANNED}' AND on_phone = 1 THEN {Step.KEPT:d}"
    f" ELSE {Step.SCANNED:d} END"
)
_SEEN: Final = (
    "CASE "
    + " ".join(f"WHEN channel = '{one}' THEN '{seen}'" for one, seen in CHANNELS.items())
    + f" ELSE '{Seen.OTHER}' END"
)
_TOUCHES: Final = f"""
touch AS (
  SELECT i.session_id, i.position, i.kind, i.channel, i.at_us, i.location_id
  FROM interaction AS i
  WHERE i.at_us >= :since_us AND i.at_us < :until_us AND i.kind IN ({_words(COUNTED)})),
who AS (
  SELECT s.id AS session_id,
    COALESCE(CASE WHEN s.customer_id IS NOT NULL THEN s.id END, MAX(j.to_session_id),
      MAX(CASE WHEN o.customer_id IS NOT NULL THEN o.id END), MAX(oj.to_session_id),
      CASE WHEN MIN(o.id) < s.id THEN MIN(o.id) ELSE s.id END) AS home,
    CASE WHEN s.customer_id IS NOT NULL OR MAX(j.to_session_id) IS NOT NULL
      OR MAX(o.id) IS NOT NULL
      OR EXISTS (SELECT 1 FROM session_key AS k WHERE k.session_id = s.id)
      THEN 1 ELSE 0 END AS on_phone,
    MAX(CASE WHEN hs.session_id IS NOT NULL OR ho.session_id IS NOT NULL
      THEN 1 ELSE 0 END) AS allows
  FROM (SELECT DISTINCT session_id FROM touch) AS t
  JOIN shopper_session AS s ON s.id = t.session_id
  LEFT JOIN joining AS j ON j.from_session_id = s.id AND j.undone_at IS NULL
  LEFT JOIN shopper_session AS o ON o.cart_id = s.cart_id AND o.id <> s.id
  LEFT JOIN joining AS oj ON oj.from_session_id = o.id AND oj.undone_at IS NULL
  LEFT JOIN holds AS hs ON hs.session_id = s.id
  LEFT JOIN holds AS ho ON ho.session_id = o.id
  GROUP BY s.id, s.customer_id),
allowed AS (
  SELECT w.home
  FROM who AS w
  JOIN shopper_session AS p ON p.id = w.home AND p.emptied_at IS NULL
  LEFT JOIN holds AS c ON c.customer_id = p.customer_id
  GROUP BY w.home, p.customer_id, c.customer_id
  HAVING CASE WHEN p.customer_id IS NULL THEN MAX(w.allows) = 1
    ELSE c.customer_id IS NOT NULL END)"""  # noqa: S608 - our own texts, values are bound
# A run: a touch with a place, and what follows it without one.
_PLACED: Final = """
running AS (
  SELECT w.home, w.on_phone, t.position, t.kind, t.channel, t.at_us, t.location_id,
    COUNT(NULLIF(t.location_id, '')) OVER (
      PARTITION BY w.home ORDER BY t.at_us, t.position) AS run
  FROM allowed AS a
  JOIN who AS w ON w.home = a.home
  JOIN touch AS t ON t.session_id = w.session_id),
placed AS (
  SELECT home, on_phone, position, kind, channel, at_us,
    MAX(location_id) OVER (PARTITION BY home, run) AS location_id
  FROM running),
here AS (
  SELECT p.home, p.on_phone, p.position, p.kind, p.channel, p.at_us, d.location_id AS place
  FROM placed AS p
  JOIN {rows} ON d.location_id = p.location_id AND p.at_us >= d.since_us AND p.at_us < d.until_us),
everywhere AS (
  SELECT home, on_phone, position, kind, channel, at_us, place FROM here
  UNION ALL SELECT home, on_phone, position, kind, channel, at_us, '' FROM here)"""
_PEOPLE: Final = f"""
told AS (
  SELECT place, home, kind, at_us, {_STEP} AS step, {_SEEN} AS seen,
    MIN(CASE WHEN kind IN ({_words(LOOKED)}) THEN at_us END)
      OVER (PARTITION BY place, home) AS scanned_us,
    ROW_NUMBER() OVER (PARTITION BY place, home ORDER BY at_us, position) AS nth
  FROM everywhere),
person AS (
  SELECT place, home, MAX(step) AS step, MAX(CASE WHEN nth = 1 THEN seen END) AS seen,
    MIN(CASE WHEN kind = '{Kind.ORDERED}' AND at_us >= scanned_us THEN at_us - scanned_us END)
      AS took_us
  FROM told GROUP BY place, home),
each_way AS (
  SELECT place, seen, step, took_us FROM person
  UNION ALL SELECT place, '', step, took_us FROM person),
ranked AS (
  SELECT place, seen, step, took_us,
    COUNT(took_us) OVER (PARTITION BY place, seen) AS timed,
    ROW_NUMBER() OVER (PARTITION BY place, seen
      ORDER BY CASE WHEN took_us IS NULL THEN 1 ELSE 0 END, took_us) AS nth
  FROM each_way)"""  # noqa: S608 - as above


def _span_counts() -> list[str]:
    """Return a sum for each span; those before it are no part of it."""
    found, low = [], 0
    for end in SPANS.values():
        high = "" if end is None else f" AND took_us < {int(end.total_seconds()) * _US_PER_S}"
        found.append(f"SUM(CASE WHEN took_us >= {low}{high} THEN 1 ELSE 0 END)")
        low = low if end is None else int(end.total_seconds()) * _US_PER_S
    return found


def statement(holds: Holders) -> str:
    """Return the statement, for ``cart.db.rows.run`` with a row for each location and its time.

    ``holds``: who allows analytics, under the name ``holds``. Bound besides: ``since_us`` and
    ``until_us``, which all of the locations' times lie between. A row: place ("" for all of
    them), seen ("" for all), people by step, timed, median and 90th percentile in microseconds,
    people by span.
    """
    columns = [
        "place",
        "seen",
        *(f"SUM(CASE WHEN step >= {one:d} THEN 1 ELSE 0 END)" for one in Step),
        "MAX(timed)",
        "MAX(CASE WHEN nth = (timed * 50 + 99) / 100 THEN took_us END)",
        "MAX(CASE WHEN nth = (timed * 90 + 99) / 100 THEN took_us END)",
        *_span_counts(),
    ]
    return (
        f"WITH {holds.sql}, {_TOUCHES.strip()}, {_PLACED.strip()}, {_PEOPLE.strip()}"  # noqa: S608 - our own texts, values are bound
        f" SELECT {', '.join(columns)} FROM ranked GROUP BY place, seen ORDER BY place, seen"
    )
