"""Passkeys in Chromium, with an authenticator that the browser itself simulates."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests.browser.shopping import IN_EACH_LANGUAGE, PHONE, come_in, looked_at, put
from tests.mobile_api.served import serving
from tests.mobile_api.shop import MUG, RED

pytestmark = pytest.mark.browser


@pytest.fixture
def url(shop: FastAPI) -> Iterator[str]:
    """The address of the running application, by name: passkeys belong to a host."""
    with serving(shop) as address:
        named = address.replace("127.0.0.1", "localhost")
        parts = shop.state.parts
        parts.settings = parts.settings.model_copy(update={"public_url": named})
        yield named


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """Give the page's browser a phone's own authenticator; its owner is there and says yes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    return devtools, added["authenticatorId"]


def kept(devtools: CDPSession, name: str) -> list[dict[str, Any]]:
    """Return what the authenticator keeps."""
    found = devtools.send("WebAuthn.getCredentials", {"authenticatorId": name})
    credentials: list[dict[str, Any]] = found["credentials"]
    return credentials


def opened(browser: Browser, url: str, **other: Any) -> BrowserContext:  # noqa: ANN401
    """Open a phone."""
    wanted: dict[str, Any] = {"viewport": PHONE, "locale": "en", "base_url": url} | other
    return browser.new_context(**wanted)


@pytest.mark.parametrize(("locale", "size"), IN_EACH_LANGUAGE, ids=["en", "he", "pl"])
def test_pages_with_passkeys_can_be_read_by_everyone(
    browser: Browser, url: str, shop: FastAPI, locale: str, size: dict[str, int]
) -> None:
    """Before one is added, with one, and signing in with it."""
    context = opened(browser, url, viewport=size, locale=locale)
    page = context.new_page()
    authenticator(page)
    mark = f"{locale}-{size['width']}-passkey"
    page.goto("/sign-in")
    expect(page.locator("[data-passkey]")).to_be_visible()
    looked_at(page, f"{mark}-sign-in")
    come_in(page, shop)
    page.goto("/account")
    expect(page.locator("[data-passkey]")).to_be_visible()
    looked_at(page, f"{mark}-none")
    page.locator("[data-passkey]").click()
    expect(page.locator(".passkeys li")).to_have_count(1)
    looked_at(page, f"{mark}-one")
    context.close()


def test_added_with_one_press_and_signed_in_with_another(
    browser: Browser, url: str, shop: FastAPI
) -> None:
    """Signed out, the phone comes in again without a code, and its cart joins hers."""
    context = opened(browser, url)
    put(context, RED, 2)
    page = context.new_page()
    devtools, name = authenticator(page)
    come_in(page, shop)
    page.goto("/account")
    page.get_by_role("button", name="Add a passkey").press("Enter")
    expect(page.locator(".passkeys li")).to_have_count(1)
    expect(page.locator(".passkeys li")).to_contain_text("not used yet")
    [made] = kept(devtools, name)
    assert (made["rpId"], made["isResidentCredential"]) == ("localhost", True)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("alert")).to_have_text("This device has a passkey of yours already.")
    assert len(kept(devtools, name)) == 1
    page.get_by_role("button", name="Sign out on this phone").click()
    page.wait_for_url("**/sign-in")
    put(context, MUG)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r"/$"))
    expect(page.locator("#joined")).to_contain_text("1 thing from this phone")
    expect(page.locator(".lines .line")).to_have_count(2)
    page.goto("/account")
    expect(page.locator(".passkeys li")).to_contain_text("Last used")
    page.get_by_role("button", name="Remove the passkey of").click()
    expect(page.locator(".passkeys li")).to_have_count(0)
    context.close()


def test_somebody_who_says_no_is_told_what_else_there_is(
    browser: Browser, url: str, shop: FastAPI
) -> None:
    """A passkey that was removed, a finger that does not fit: words, and the way by code stays."""
    context = opened(browser, url)
    page = context.new_page()
    devtools, name = authenticator(page)
    come_in(page, shop)
    page.goto("/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkeys li")).to_have_count(1)
    page.get_by_role("button", name="Remove the passkey of").click()
    expect(page.locator(".passkeys li")).to_have_count(0)
    page.get_by_role("button", name="Sign out on this phone").click()
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-fault")).to_have_text(
        "This passkey did not work here. A code by e-mail always does."
    )
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-fault")).to_have_text(
        "Nothing was signed in. Try again, or have a code sent."
    )
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_focused()
    come_in(page, shop)
    context.close()


def test_without_scripts_there_is_the_code(browser: Browser, url: str) -> None:
    """No button that does nothing."""
    context = opened(browser, url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Send me a code")).to_be_visible()
    expect(page.locator("[data-passkey]")).to_be_hidden()
    context.close()
