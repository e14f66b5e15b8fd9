"""Her data, in Chromium: taken along as a file, and deleted, without scripts too."""

import zipfile
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from tests.browser.shopping import IN_EACH_LANGUAGE, come_in, looked_at, put
from tests.mobile_api.shop import MUG
from tests.mobile_api.signing_in import ADA

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("locale", "size"), IN_EACH_LANGUAGE, ids=["en", "he", "pl"])
def test_her_data_is_taken_along_and_deleted(
    browser: Browser,
    url: str,
    shop: FastAPI,
    tmp_path: Path,
    *,
    locale: str,
    size: dict[str, int],
) -> None:
    """The file and its page, the box that has to be ticked, and nobody is signed in any more."""
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        locale=locale,
        base_url=url,
        java_script_enabled=locale != "pl",
    )
    put(context, MUG)
    page = context.new_page()
    come_in(page, shop)
    page.goto("/account")
    page.locator('a[href="/account/data"]').click()
    mark = f"{locale}-{size['width']}-data"
    if locale != "pl":  # axe is a script
        looked_at(page, mark)
    with page.expect_download() as coming:
        page.locator('form[action$="/export"] button').press("Enter")
    kept = tmp_path / "mine.zip"
    coming.value.save_as(kept)
    with zipfile.ZipFile(kept) as archive:
        assert ADA in archive.read("data.json").decode()
        archive.extract("index.html", tmp_path)
    reading = context.new_page()
    reading.goto((tmp_path / "index.html").as_uri())
    expect(reading.get_by_text(ADA).first).to_be_visible()
    if locale != "pl":
        looked_at(reading, f"{mark}-file")
    reading.close()
    erase = page.locator('form[action$="/erase"]')
    erase.locator("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    erase.locator("input[name=sure]").check()
    erase.locator("button").click()
    expect(page.locator("main .code")).to_contain_text("erasure_")
    if locale != "pl":
        looked_at(page, f"{mark}-erased")
    page.goto("/account")
    page.wait_for_url("**/sign-in")
    context.close()
