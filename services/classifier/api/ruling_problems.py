"""What the API is for, as OpenAPI shows it."""

from typing import Final

DESCRIPTION: Final = """\
What a tenant tells the off-road scheme: **declared land** (rule SU7) and **exclusions** of faulty data or places.

Send `Authorization: Bearer <key>`; the tenant is the key's. A command may carry an `Idempotency-Key`: the same key with the
same request gives the first answer again, with another request it is refused. Nothing is ever edited: a correction is a new
version, and every version stays readable, since claims stand on them.

Each change has all device-days that it touches computed again, usually within seconds (`device_days` in the answer says how
many). Until then each carries an open hold, so no claim is lodged on figures that are about to change; a claim that was
lodged before is flagged, never changed."""
