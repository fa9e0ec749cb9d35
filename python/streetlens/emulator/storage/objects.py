"""Keeps the buckets and objects of the emulated Cloud Storage in memory; bytes may come on first read."""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone

from streetlens.emulator.storage.checksums import crc32c_base64, md5_base64


class StoredObject:
    """One generation of one object; `data`, `size`, `crc32c` and `md5` are computed when first asked for."""

    def __init__(
        self,
        bucket: str,
        name: str,
        load: Callable[[], bytes],
        content_type: str,
        *,
        generation: int,
        custom: dict[str, object] | None = None,
    ) -> None:
        self.bucket = bucket
        self.name = name
        self.content_type = content_type
        self.generation = generation
        self.custom = dict(custom or {})
        self.created = datetime.now(timezone.utc)
        self._load = load
        self._data: bytes | None = None
        self._crc32c: str | None = None
        self._md5: str | None = None
        self._lock = threading.Lock()

    @property
    def data(self) -> bytes:
        """The bytes of the object."""
        with self._lock:
            if self._data is None:
                self._data = self._load()
            return self._data

    @property
    def is_loaded(self) -> bool:
        """Whether reading `data` costs nothing."""
        return self._data is not None

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.data)

    @property
    def crc32c(self) -> str:
        """The base64 CRC32C of the bytes."""
        if self._crc32c is None:
            self._crc32c = crc32c_base64(self.data)
        return self._crc32c

    @property
    def md5(self) -> str:
        """The base64 MD5 of the bytes."""
        if self._md5 is None:
            self._md5 = md5_base64(self.data)
        return self._md5

    @property
    def uri(self) -> str:
        """The gs:// URI."""
        return f"gs://{self.bucket}/{self.name}"


@dataclass
class Bucket:
    """A bucket: its objects by name, and their names in the order that listing uses (UTF-8)."""

    name: str
    location: str = "US"
    created: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    objects: dict[str, StoredObject] = field(default_factory=dict)
    names: list[bytes] = field(default_factory=list)


class ObjectStore:
    """The objects of every bucket; safe to use from several threads."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._closed_to_agent: set[str] = set()
        self._lock = threading.RLock()
        self._generations = itertools.count(time.time_ns() // 1000)

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        custom: dict[str, object] | None = None,
    ) -> StoredObject:
        """Store `data` as a new generation of the object, creating the bucket when it is missing."""
        return self.put_lazy(bucket, name, lambda: data, content_type, custom=custom)

    def put_lazy(
        self,
        bucket: str,
        name: str,
        load: Callable[[], bytes],
        content_type: str,
        *,
        custom: dict[str, object] | None = None,
    ) -> StoredObject:
        """Store an object whose bytes `load` produces when they are first read."""
        with self._lock:
            home = self._buckets.get(bucket) or self.create_bucket(bucket)
            stored = StoredObject(
                bucket, name, load, content_type, generation=next(self._generations), custom=custom
            )
            if name not in home.objects:
                insort(home.names, name.encode())
            home.objects[name] = stored
            return stored

    def get(self, bucket: str, name: str) -> StoredObject | None:
        """Return the live generation of the object, or None."""
        with self._lock:
            home = self._buckets.get(bucket)
            return home.objects.get(name) if home else None

    def delete(self, bucket: str, name: str) -> bool:
        """Remove the object; False when there was none."""
        with self._lock:
            home = self._buckets.get(bucket)
            if home is None or name not in home.objects:
                return False
            del home.objects[name]
            del home.names[bisect_left(home.names, name.encode())]
            return True

    def names(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield the object names with `prefix` that come after `after`, in listing order."""
        with self._lock:
            home = self._buckets.get(bucket)
            names = list(home.names) if home else []
        wanted = prefix.encode()
        for name in names[bisect_left(names, max(wanted, after.encode())) :]:
            if not name.startswith(wanted):
                return
            if name > after.encode() or not after:
                yield name.decode()

    def bucket(self, name: str) -> Bucket | None:
        """Return the bucket, or None."""
        return self._buckets.get(name)

    def buckets(self) -> list[Bucket]:
        """Return every bucket in order of name."""
        with self._lock:
            return sorted(self._buckets.values(), key=lambda bucket: bucket.name)

    def create_bucket(self, name: str, location: str = "US") -> Bucket:
        """Create the bucket, or return the one that exists."""
        with self._lock:
            return self._buckets.setdefault(name, Bucket(name, location))

    def delete_bucket(self, name: str) -> None:
        """Remove the bucket with everything in it."""
        with self._lock:
            self._buckets.pop(name, None)

    def close_to_agent(self, bucket: str) -> None:
        """Take the right to read the bucket from the service agent that reads `gs://` parts for Gemini."""
        with self._lock:
            self._closed_to_agent.add(bucket)

    def open_to_agent(self, bucket: str | None = None) -> None:
        """Give it back for one bucket, or for all."""
        with self._lock:
            self._closed_to_agent = set() if bucket is None else self._closed_to_agent - {bucket}

    def agent_may_read(self, bucket: str) -> bool:
        """Whether Gemini reads objects of the bucket by their URI."""
        return "forbidden" not in bucket and bucket not in self._closed_to_agent
