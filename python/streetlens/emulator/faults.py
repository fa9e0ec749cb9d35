"""Holds the fault rules: which request meets which fault, drawn from a seed so that a run can be repeated.

Whether a rule with a rate strikes depends on the seed, the rule, the request's content and how often that
content was seen, never on the order in which concurrent requests arrive.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field

from streetlens.emulator.services import SERVICES, Service, service_of

HTTP_KINDS = frozenset(
    {"400", "401", "403", "404", "409", "429", "500", "502", "503", "504", "expired_token"}
)
WIRE_KINDS = frozenset({"slow", "stall", "cut_body", "reset", "bad_json", "html"})
ANSWER_KINDS = frozenset(
    {
        "blocked",
        "safety",
        "recitation",
        "truncated",
        "no_candidates",
        "no_parts",
        "empty_text",
        "thoughts_only",
        "unknown_finish",
        "wrong_schema",
    }
)
"""Answers with status 200 that only Gemini gives."""
ARROW_KINDS = frozenset({"arrow_ignored", "arrow_malformed", "arrow_not_inlined"})
"""What happens to Arrow results: a jobs.query that asks for them is answered with JSON rows, with a record batch
that ends too early (a ReadRows too), or with a schema, no rows and a total of 0, although there are rows."""
STREAM_KINDS = frozenset({"rst_stream", "session_expired"})
"""What only the gRPC methods of `bigquery_storage` meet: RST_STREAM on the call's HTTP/2 stream, and the answer
to a ReadRows of a session that is older than six hours."""
_MET_BY: dict[str, tuple[Service, ...]] = {
    **dict.fromkeys(ANSWER_KINDS, ("gemini",)),
    **dict.fromkeys(ARROW_KINDS, ("bigquery",)),
    **dict.fromkeys(STREAM_KINDS, ("bigquery_storage",)),
    "arrow_malformed": ("bigquery", "bigquery_storage"),
}
KINDS = HTTP_KINDS | WIRE_KINDS | ANSWER_KINDS | ARROW_KINDS | STREAM_KINDS
FOLLOWED: ContextVar[FaultRule | None] = ContextVar(
    "fault that the handler of the request follows", default=None
)

OPTIONS = {
    "retry_after": "seconds for the Retry-After header",
    "retry_delay": "seconds for a google.rpc.RetryInfo detail",
    "message": "the error message",
    "reason": "errors[0].reason, or the ErrorInfo reason",
    "seconds": "how long `slow` waits before it passes the request on (default 1)",
    "status": "the HTTP status of `html` (default 200)",
    "messages": "how many messages a gRPC stream sends before the fault (default 0)",
    "bytes": "how many bytes of its body `cut_body` or `bad_json` keeps, of its record batch `arrow_malformed` "
    "(default half); how many of a gRPC connection still arrive before `reset` or `cut_body` ends it, instead of "
    "`messages`",
}

Option = str | int | float


@dataclass
class FaultRule:
    """One rule: strikes at most `times`, after letting `after` matching requests pass; `struck` counts."""

    kind: str
    service: Service | None = None
    rate: float = 1.0
    times: int | None = None
    match: str | None = None
    after: int = 0
    options: dict[str, Option] = field(default_factory=dict)
    identifier: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        """Refuse what could never strike."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if self.service is not None and self.service not in SERVICES:
            raise ValueError(f"unknown service {self.service!r}; known: {', '.join(SERVICES)}")
        if not 0.0 <= self.rate <= 1.0:
            raise ValueError(f"rate must be between 0 and 1, not {self.rate}")
        unknown = set(self.options) - set(OPTIONS)
        if unknown:
            raise ValueError(
                f"unknown fault option {', '.join(sorted(unknown))}; known: {', '.join(OPTIONS)}"
            )
        services = _MET_BY.get(self.kind)
        if services is not None and self.service is None and len(services) == 1:
            self.service = services[0]
        if services is not None and self.service not in {None, *services}:
            met = " and ".join(services)
            raise ValueError(f"fault {self.kind!r} is one of {met}; {self.service} never meets it")

    def may_strike(self, service: Service, path: str, body: bytes) -> bool:
        """Whether a request to `service` is one that this kind of fault can happen to."""
        if self.service not in {None, service} or service not in _MET_BY.get(self.kind, (service,)):
            return False
        if service == "bigquery" and self.kind in ARROW_KINDS:
            return path.endswith("/queries") and b"ARROW" in body
        return self.kind not in {"arrow_malformed", "session_expired"} or path.endswith("/ReadRows")

    def number(self, option: str, default: float) -> float:
        """Return a numeric option."""
        return float(self.options.get(option, default))

    def text(self, option: str) -> str | None:
        """Return a text option, or None."""
        value = self.options.get(option)
        return None if value is None else str(value)


class FaultSet:
    """The rules in force; safe to use from several threads."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._rules: list[FaultRule] = []
        self._seen: Counter[bytes] = Counter()
        self._identifiers = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        *,
        service: Service | None = None,
        rate: float = 1.0,
        times: int | None = None,
        match: str | None = None,
        after: int = 0,
        **options: Option,
    ) -> FaultRule:
        """Add a rule. Raises ValueError for an unknown kind, service, option or rate."""
        rule = FaultRule(kind, service, rate, times, match, after, options)
        with self._lock:
            rule.identifier = next(self._identifiers)
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove every rule and start the draws over."""
        with self._lock:
            self._rules.clear()
            self._seen.clear()
            self._identifiers = itertools.count(1)

    def rules(self) -> list[dict[str, object]]:
        """Describe the rules in force."""
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def draw(self, method: str, path: str, body: bytes, query: str = "") -> list[FaultRule]:
        """Return the rules that strike this request: any number of `slow`, then at most one other.

        A rule's `match` is looked for in the path, the query and the body.
        """
        if not self._rules:
            return []
        service = service_of(path)
        if service is None:
            return []
        content = path.encode() + b"\n" + body
        matched = query.encode() + b"\n" + content
        striking: list[FaultRule] = []
        with self._lock:
            for rule in self._rules:
                if not rule.may_strike(service, path, body):
                    continue
                if rule.match and rule.match.encode() not in matched:
                    continue
                if rule.times is not None and rule.struck >= rule.times:
                    continue
                if rule.after > 0:
                    rule.after -= 1
                    continue
                if rule.rate < 1.0 and self._chance(rule, method, content) >= rule.rate:
                    continue
                rule.struck += 1
                striking.append(rule)
                if rule.kind != "slow":
                    break
        return striking

    def _chance(self, rule: FaultRule, method: str, content: bytes) -> float:
        key = hashlib.blake2b(
            f"{self.seed} {rule.identifier} {method} ".encode() + content, digest_size=16
        ).digest()
        self._seen[key] += 1
        drawn = hashlib.blake2b(key + self._seen[key].to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(drawn, "big") / 2**64


def parse_header(text: str) -> FaultRule:
    """Parse the `x-streetlens-fault` header: `kind[;option=value...]`. Raises ValueError."""
    kind, *pairs = (piece.strip() for piece in text.split(";"))
    options: dict[str, Option] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise ValueError(f"fault option {pair!r} must read name=value")
        options[name.strip()] = value.strip()
    return FaultRule(kind, options=options)
