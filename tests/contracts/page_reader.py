"""PageReader: a page as its reader sees it, or one of our errors."""

from __future__ import annotations

import pytest

from sensorium.core.errors import SensoriumError


class PageReaderContract:
    """Of every PageReader: `reader` has a page "Ann Lee spoke." at `there`, and none at `away`."""

    def test_the_text_of_a_page_and_where_it_lies(self, reader, there):
        page = reader.read(there, 20.0)
        assert (page.url, page.text) == (there, "Ann Lee spoke.")
        assert page.num_bytes > 0

    def test_a_page_that_is_not_there_is_an_error_that_names_it(self, reader, away):
        with pytest.raises(SensoriumError, match="none"):
            reader.read(away, 20.0)
