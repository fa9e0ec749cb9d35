"""Pictures made for one test each, and what a request of Gemini holds of them."""

from __future__ import annotations

import base64
import io
import random
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from streetlens.emulator import Emulator

RED, BLUE = (250, 10, 10), (10, 10, 250)


def picture(
    width: int = 200, height: int = 100, box: tuple[int, int, int, int] = (40, 30, 80, 50), form: str = "JPEG"
) -> bytes:
    """A blue picture with a red box: left, top, right, bottom."""
    image = Image.new("RGB", (width, height), BLUE)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=RED)
    return encoded(image, form)


def noise(width: int, height: int) -> bytes:
    """A PNG that no compression makes smaller."""
    pixels = random.Random(1).randbytes(width * height * 3)
    return encoded(Image.frombytes("RGB", (width, height), pixels), "PNG")


def encoded(image: Image.Image, form: str) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def store(emulator: Emulator, name: str, data: bytes, bucket: str = "pictures") -> str:
    """Puts a file into Cloud Storage; returns its URI."""
    emulator.world.objects.put(bucket, name, data, "image/jpeg")
    return f"gs://{bucket}/{name}"


def box(left: float, top: float, right: float, bottom: float) -> dict[str, dict[str, float]]:
    """A box as the data set writes it."""
    return {"lo": {"x": left, "y": top}, "hi": {"x": right, "y": bottom}}


@dataclass
class Sent:
    """The parts of one request: texts, URIs, and files that went along, in their order."""

    texts: list[str]
    uris: list[str]
    files: list[bytes]

    @property
    def pictures(self) -> list[Image.Image]:
        """The files as pictures."""
        return [Image.open(io.BytesIO(file)).convert("RGB") for file in self.files]


def sent(emulator: Emulator) -> list[Sent]:
    """The requests that Gemini got so far."""
    return [_sent(entry.json["contents"][-1]["parts"]) for entry in emulator.requests.of("gemini")]


def _sent(parts: list[dict[str, Any]]) -> Sent:
    return Sent(
        [part["text"] for part in parts if "text" in part],
        [part["fileData"]["fileUri"] for part in parts if "fileData" in part],
        [base64.b64decode(part["inlineData"]["data"]) for part in parts if "inlineData" in part],
    )


def is_red(pixel: Any) -> bool:
    """Whether it is red, as far as JPEG keeps colours."""
    return bool(pixel[0] > 180 and pixel[2] < 90)
