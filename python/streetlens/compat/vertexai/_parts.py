"""What a request and an answer are made of: `Part`, `Image` and `Content`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streetlens.compat.vertexai._spelling import camel_case, snake_case

__all__ = ["Content", "Image", "Part", "contents_on_the_wire"]

_SIGNATURES = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heif"),
)


class Image:
    """A picture that is sent with the request."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        """The file's bytes."""

    @staticmethod
    def load_from_file(location: str) -> Image:
        """Reads a local file.

        Raises:
            OSError: It cannot be read.
        """
        return Image(Path(location).read_bytes())

    @staticmethod
    def from_bytes(data: bytes) -> Image:
        """Takes the bytes of a picture file."""
        return Image(bytes(data))

    @property
    def mime_type(self) -> str:
        """The type that its first bytes tell.

        Raises:
            ValueError: They are of no kind of picture that Gemini reads.
        """
        for signature, start, mime_type in _SIGNATURES:
            if self.data[start : start + len(signature)] == signature:
                return mime_type
        raise ValueError(f"these {len(self.data)} bytes are no JPEG, PNG, WebP, HEIC, HEIF or GIF picture")


class Part:
    """A text or a picture of a request or an answer."""

    def __init__(self) -> None:
        self._wire: dict[str, Any] = {}

    @staticmethod
    def from_uri(uri: str, mime_type: str) -> Part:
        """A picture in Cloud Storage.

        Raises:
            TypeError: The URI is not a text, for example the null of a row without an image.
        """
        if not isinstance(uri, str) or not isinstance(mime_type, str):
            raise TypeError(f"`Part.from_uri` needs two texts, not uri={uri!r}, mime_type={mime_type!r}")
        return Part._of({"fileData": {"mimeType": mime_type, "fileUri": uri}})

    @staticmethod
    def from_data(data: bytes, mime_type: str) -> Part:
        """A picture sent with the request."""
        encoded = base64.b64encode(data).decode("ascii")
        return Part._of({"inlineData": {"mimeType": mime_type, "data": encoded}})

    @staticmethod
    def from_text(text: str) -> Part:
        """A text."""
        return Part._of({"text": text})

    @staticmethod
    def from_image(image: Image) -> Part:
        """A picture that was loaded before."""
        return Part.from_data(image.data, image.mime_type)

    @classmethod
    def from_dict(cls, part_dict: Mapping[str, Any]) -> Part:
        """A part from the dictionary that `to_dict` gives."""
        return cls._of(camel_case(dict(part_dict)))

    @classmethod
    def _of(cls, wire: dict[str, Any]) -> Part:
        part = cls()
        part._wire = wire
        return part

    def to_dict(self) -> dict[str, Any]:
        """The part as Google's JSON with names in snake_case."""
        return dict(snake_case(self._wire))

    @property
    def text(self) -> str:
        """The text.

        Raises:
            AttributeError: The part is something else.
        """
        if "text" not in self._wire:
            raise AttributeError(f"the part has no text; it is {pretty(self.to_dict())}")
        return str(self._wire["text"])

    @property
    def mime_type(self) -> str | None:
        """The type of the picture, if it is one."""
        data = self._wire.get("inlineData") or self._wire.get("fileData") or {}
        return data.get("mimeType")

    @property
    def inline_data(self) -> SimpleNamespace:
        """`data` and `mime_type` of a picture that was sent along; empty otherwise."""
        blob = self._wire.get("inlineData", {})
        return SimpleNamespace(
            data=base64.b64decode(blob.get("data", "")), mime_type=blob.get("mimeType", "")
        )

    @property
    def file_data(self) -> SimpleNamespace:
        """`file_uri` and `mime_type` of a picture in Cloud Storage; empty otherwise."""
        file = self._wire.get("fileData", {})
        return SimpleNamespace(file_uri=file.get("fileUri", ""), mime_type=file.get("mimeType", ""))

    @property
    def is_thought(self) -> bool:
        """Whether the model thought this instead of saying it."""
        return self._wire.get("thought") is True

    def __repr__(self) -> str:
        return pretty(self.to_dict())


class Content:
    """Parts said by one side: `"user"` or `"model"`."""

    def __init__(self, *, parts: Sequence[Part] | None = None, role: str | None = None) -> None:
        self.role = role or ""
        """Who said it."""
        self.parts = list(parts or [])
        """What was said."""

    @classmethod
    def from_dict(cls, content_dict: Mapping[str, Any]) -> Content:
        """A content from the dictionary that `to_dict` gives."""
        parts = [Part.from_dict(part) for part in content_dict.get("parts") or []]
        return cls(parts=parts, role=content_dict.get("role"))

    def to_dict(self) -> dict[str, Any]:
        """The content as Google's JSON with names in snake_case."""
        return dict(snake_case(self.on_the_wire()))

    def on_the_wire(self) -> dict[str, Any]:
        """The content as it is sent."""
        wire: dict[str, Any] = {"role": self.role} if self.role else {}
        if self.parts:
            wire["parts"] = [part._wire for part in self.parts]  # noqa: SLF001 - the same module
        return wire

    @property
    def text(self) -> str:
        """What was said, without thoughts; several texts are joined.

        Raises:
            ValueError: Nothing was said.
        """
        if not self.parts:
            raise ValueError("The content has no parts, and so no text.")
        said = [part for part in self.parts if not part.is_thought and "text" in part._wire]  # noqa: SLF001 - the same module
        if not said:
            kind = "thoughts only" if any(part.is_thought for part in self.parts) else "no text"
            raise ValueError(f"The content's parts hold {kind}.")
        return "".join(part.text for part in said)

    def __repr__(self) -> str:
        return pretty(self.to_dict())


def contents_on_the_wire(contents: Any) -> list[dict[str, Any]]:
    """The `contents` of a request from a text, a part, a picture, a list of those, or a list of contents.

    Raises:
        TypeError: It is something else, empty, or a mixture.
    """
    if not contents:
        raise TypeError("`contents` is empty; ask something about the image")
    if isinstance(contents, (Content, Mapping)):
        return [_content(contents)]
    if not isinstance(contents, (list, tuple)):
        return [single_content([contents])]
    whole = [isinstance(item, (Content, Mapping)) for item in contents]
    if all(whole):
        return [_content(item) for item in contents]
    if any(whole):
        raise TypeError("`contents` mixes `Content` objects with parts; pass a list of one or the other")
    return [single_content(list(contents))]


def single_content(items: list[Any]) -> dict[str, Any]:
    """One content of the user from texts, parts and pictures."""
    return Content(role="user", parts=[_part(item) for item in items]).on_the_wire()


def pretty(value: Any) -> str:
    """JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _content(item: Content | Mapping[str, Any]) -> dict[str, Any]:
    return item.on_the_wire() if isinstance(item, Content) else Content.from_dict(item).on_the_wire()


def _part(item: Any) -> Part:
    if isinstance(item, Part):
        return item
    if isinstance(item, Image):
        return Part.from_image(item)
    if isinstance(item, str):
        return Part.from_text(item)
    raise TypeError(
        f"`contents` holds a {type(item).__name__}; pass texts, `Part`, `Image` or `Content` objects"
    )
