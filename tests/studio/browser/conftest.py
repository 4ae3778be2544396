"""One browser, one studio with the package's own network, and pages of it for all these tests."""

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.studio.browser.page import Page, chromium
from tests.studio.conftest import png, running
from tfrelight.photos import read
from tfrelight.relighting import decomposition, pipeline


@pytest.fixture(scope="package")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture(scope="package")
def model():
    return pipeline.loaded(None)


@pytest.fixture(scope="package")
def server(model):
    with running(lambda: model) as studio:
        yield studio


@pytest.fixture(scope="package")
def photo():
    """`[1024, 1024, 3]` uint8."""
    with Image.open(ROOT / "docs" / "astronaut.jpg") as image:
        return np.asarray(image.resize((1024, 1024), Image.Resampling.LANCZOS))


@pytest.fixture(scope="package")
def decomposed(photo, model):
    return decomposition.decompose([read(photo)], model)[0]


@pytest.fixture(scope="module")
def page_with_photo(browser, server, photo):
    with Page(browser, server.url) as one:
        one.load().drop(png(photo))
        assert one.error() is None
        yield one


@pytest.fixture
def page(page_with_photo):
    """A page with the photo, its light and view as at first."""
    page_with_photo.page.click("#reset")
    page_with_photo.view("relit")
    yield page_with_photo
    page_with_photo.assert_quiet()


@pytest.fixture
def fresh_page(browser, server):
    """A page without a photo."""
    with Page(browser, server.url) as one:
        yield one.load()
