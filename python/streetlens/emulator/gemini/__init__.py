"""Gemini on Vertex AI, as far as this workflow needs it: generateContent, streamGenerateContent, countTokens.

The wire format is the real service's; the answers come from `streetlens.emulator.vision`, a stand-in that
looks at pixels. Its accuracy says nothing about Gemini, and every `modelVersion` says so.
"""

from __future__ import annotations

from streetlens.emulator.gemini.degenerate import degenerate_body
from streetlens.emulator.gemini.models import ServedModels
from streetlens.emulator.gemini.service import degenerate, routes

__all__ = ["ServedModels", "degenerate", "degenerate_body", "routes"]
