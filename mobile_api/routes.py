"""All routes of the API process, in one router: what FastAPI reads off them, it reads once."""

from functools import cache

from fastapi import APIRouter

from inventory_api import router as inventory_router
from mobile_api import health
from mobile_api.account import pages as account_pages
from mobile_api.account import purse as account_purse
from mobile_api.account import router as account_router
from mobile_api.bands import desk as band_desk
from mobile_api.bands import pages as band_pages
from mobile_api.bands import setting_up as band_setting_up
from mobile_api.board import pages as board_pages
from mobile_api.carts import pages as cart_pages
from mobile_api.carts import router as cart_router
from mobile_api.checkouts import forms as checkout_forms
from mobile_api.checkouts import pages as checkout_pages
from mobile_api.checkouts import router as checkout_router
from mobile_api.claims import pages as claim_pages
from mobile_api.claims import router as claim_router
from mobile_api.demo import pages as demo_pages
from mobile_api.devices import hook as broker_hook
from mobile_api.devices import router as device_router
from mobile_api.edge import access
from mobile_api.journeys import back as journey_back
from mobile_api.journeys import editing as journey_editing
from mobile_api.journeys import pages as journey_pages
from mobile_api.letters import choices as letter_choices
from mobile_api.letters import pages as letter_pages
from mobile_api.letters import returning as letters_returning
from mobile_api.lists import pages as list_pages
from mobile_api.lists import router as list_router
from mobile_api.look import router as look_router
from mobile_api.looks import routes as looks
from mobile_api.mail import returned
from mobile_api.operator import pages as operator_pages
from mobile_api.operator import router as operator_router
from mobile_api.orders import pages as order_pages
from mobile_api.orders import router as order_router
from mobile_api.payment import router as pay_router
from mobile_api.payment.sandbox import pages as bank_pages
from mobile_api.plans import router as plan_router
from mobile_api.privacy import pages as privacy_pages
from mobile_api.privacy import router as privacy_router
from mobile_api.privacy import why as privacy_why
from mobile_api.privacy import withdrawing
from mobile_api.products import pages as product_pages
from mobile_api.products import pictures
from mobile_api.push import router as push_router
from mobile_api.queues import router as queue_router
from mobile_api.report import pages as report_pages
from mobile_api.rights import pages as rights_pages
from mobile_api.rights import router as rights_router
from mobile_api.scan import router as scan_router
from mobile_api.segments import pages as segment_pages
from mobile_api.sign_in import pages as sign_in_pages
from mobile_api.sign_in import router as sign_in_router
from mobile_api.staff import band_pages as staff_band_pages
from mobile_api.staff import bookings as staff_bookings
from mobile_api.staff import desk_router as staff_desk_router
from mobile_api.staff import floor as staff_floor
from mobile_api.staff import locking as staff_locking
from mobile_api.staff import pages as staff_pages
from mobile_api.staff import people as staff_people
from mobile_api.staff import rooms as staff_rooms
from mobile_api.staff import router as staff_router
from mobile_api.staff import second as staff_second
from mobile_api.staff import second_passkeys
from mobile_api.staff import stories as staff_stories
from mobile_api.staff import topics as staff_topics
from mobile_api.staff import tried as staff_tried
from mobile_api.staff import vouched as staff_vouched
from mobile_api.staff import waiting as staff_waiting
from mobile_api.timeline import pages as timeline_pages

BODY_BYTES_MAX = 65_536  # no request but a photo comes near
UPLOAD_BYTES_MAX = staff_topics.IMPORT_BYTES_MAX + 4_096  # with what a form adds to its file
OWN_ROUTERS = (  # each is asked in turn whether it has a route: the busy ones first
    cart_router.router,
    checkout_router.router,
    pay_router.router,
    list_router.router,
    order_router.router,
    claim_router.router,
    device_router.router,
    broker_hook.router,
    scan_router.router,
    cart_pages.router,
    list_pages.router,
    checkout_pages.router,
    checkout_forms.router,
    order_pages.router,
    claim_pages.router,
    queue_router.router,
    push_router.router,
    plan_router.router,
    product_pages.router,
    pictures.router,
    sign_in_router.router,
    sign_in_pages.router,
    account_router.router,
    rights_router.router,
    rights_pages.router,
    account_pages.router,
    account_purse.router,
    timeline_pages.router,
    privacy_router.router,
    privacy_pages.router,
    privacy_why.router,
    withdrawing.router,
    letter_pages.router,
    letter_choices.router,
    journey_back.router,
    staff_router.router,
    staff_desk_router.router,
    staff_pages.router,
    staff_band_pages.router,
    staff_floor.router,
    staff_tried.router,
    staff_stories.router,
    staff_waiting.router,
    staff_rooms.router,
    staff_bookings.router,
    staff_locking.router,
    staff_second.router,
    second_passkeys.router,
    staff_people.router,
    staff_topics.router,
    segment_pages.router,
    journey_pages.router,
    report_pages.router,
    journey_editing.router,
    staff_vouched.router,
    *looks.ROUTERS,
    band_desk.router,
    band_setting_up.router,
    band_pages.router,
    board_pages.router,
    operator_router.router,
    operator_pages.router,
    look_router.router,
    demo_pages.router,
    bank_pages.router,
    health.router,
)


@cache
def own_routes() -> APIRouter:
    """Return all of our routers in one: what FastAPI reads off them is read once in a process."""
    whole = APIRouter()
    whole.include_router(
        inventory_router.router,
        dependencies=[access.allow(access.Role.ANYONE)],
        max_body_size=BODY_BYTES_MAX,
    )
    for router in OWN_ROUTERS:
        most = UPLOAD_BYTES_MAX if router is staff_topics.router else BODY_BYTES_MAX
        whole.include_router(router, max_body_size=most)
    whole.include_router(letters_returning.router, max_body_size=returned.RETURNED_BYTES_MAX)
    return whole
