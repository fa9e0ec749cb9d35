"""The drop-in: Google's names of the guide, served by streetlens.

Every code cell of the guide runs after changing its import lines:

    from streetlens.compat import bigquery, bigquery_data_exchange_v1beta1, vertexai
    from streetlens.compat.vertexai.generative_models import GenerativeModel, Part

or, with `install()`, without changing anything.
"""

from __future__ import annotations

from streetlens.compat import bigquery, bigquery_data_exchange_v1beta1, vertexai
from streetlens.compat.classification import Classification, classify_image_with_gemini, classify_images
from streetlens.compat.installation import install, uninstall

__all__ = [
    "Classification",
    "bigquery",
    "bigquery_data_exchange_v1beta1",
    "classify_image_with_gemini",
    "classify_images",
    "install",
    "uninstall",
    "vertexai",
]
