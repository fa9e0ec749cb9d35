"""What a user calls images, as the native module takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from streetlens.exceptions import InvalidInput
from streetlens.results import Table

__all__ = ["is_query", "native_image", "native_images"]


def is_query(images: Any) -> bool:
    """Whether `images` is SQL: it holds white space, which neither a URI nor most paths do."""
    return isinstance(images, str) and len(images.split()) > 1 and not images.lstrip().startswith("gs:")


def native_images(images: Any, uri_column: str, from_arrow: Callable[[Any], Any]) -> Any:
    """A native table with the name of its column of URIs or contents, or a list of images.

    In a list a URI stays a text, so that a million of them become one column.

    Raises:
        InvalidInput: It is neither.
    """
    if isinstance(images, Table):
        return images._native, uri_column  # noqa: SLF001 - the native half of our own table
    if _is_column(images):
        images = images.to_list() if hasattr(images, "to_list") else images.to_pylist()
    if hasattr(images, "__arrow_c_stream__") or hasattr(images, "__arrow_c_array__"):
        return _native_table(images, from_arrow), uri_column
    if isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)):
        images = [images]
    if isinstance(images, Iterable) and not isinstance(images, dict):
        return [native_image(image, position) for position, image in enumerate(images)]
    raise InvalidInput(
        f"`images` is a {type(images).__name__}",
        hint="pass a list of `gs://` URIs, local paths or bytes, a table with a `gcs_uri` column, or a query",
    )


def _is_column(images: Any) -> bool:
    """Whether it is a single column of pandas, polars or pyarrow, which speaks Arrow but is no table."""
    is_listable = hasattr(images, "to_list") or hasattr(images, "to_pylist")
    return is_listable and not (hasattr(images, "columns") or hasattr(images, "column_names"))


def _native_table(images: Any, from_arrow: Callable[[Any], Any]) -> Any:
    try:
        return from_arrow(images)
    except ImportError as error:
        raise InvalidInput(
            f"the {type(images).__name__} cannot be read: {error}",
            hint='run `pip install "streetlens[arrow]"`, or pass a list of URIs',
        ) from error
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"the {type(images).__name__} is no table that can be read: {error}",
            hint="pass a table with a `gcs_uri` column, or a list of URIs",
        ) from error


def native_image(image: Any, position: int) -> Any:
    """One image: a URI as text, `("file", path)`, bytes, or None where there is none.

    Raises:
        InvalidInput: It is none of these; the message names its position.
    """
    if _is_missing(image):
        return None
    if isinstance(image, str):
        is_address = image.strip().startswith(("gs:", "http:", "https:", "s3:"))
        return image if is_address or not _looks_like_a_file(image) else ("file", image)
    if isinstance(image, os.PathLike):
        return ("file", os.fspath(image))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    raise InvalidInput(
        f"image {position + 1} is a {type(image).__name__}",
        hint="pass a `gs://` URI, a local path, or bytes; rows belong into a table with a `gcs_uri` column",
    )


def _is_missing(image: Any) -> bool:
    """Whether it is `None` or what pandas writes for it: NaN or NA."""
    return image is None or type(image).__name__ == "NAType" or (isinstance(image, float) and image != image)  # noqa: PLR0124 - only NaN differs from itself


def _looks_like_a_file(text: str) -> bool:
    """Local paths are given as such; a word without a separator or extension is more likely a mistyped URI."""
    return "/" in text or os.sep in text or "." in text
