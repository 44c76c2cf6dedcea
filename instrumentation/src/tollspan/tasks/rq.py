"""Attribution of RQ jobs, in ``job.meta``, which RQ stores and restores with the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollspan.carrier import extract, inject

KEY = "tollspan_attribution"

if TYPE_CHECKING:
    from rq.job import Job as _Job
else:
    _Job = object


class Attributed(_Job):  # type: ignore[misc] # rq is not installed where types are checked
    """Mixed into RQ's job class: ``class Job(Attributed, rq.job.Job): ...``.

    Give it to both sides: ``Queue(job_class=Job)`` and ``Worker(job_class=Job)``.
    """

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a job that remembers for whom it was queued."""
        kwargs["meta"] = {KEY: inject(), **(kwargs.get("meta") or {})}
        return super().create(*args, **kwargs)

    def perform(self) -> Any:
        """Run the job for whom it was queued."""
        with extract(self.meta.get(KEY)):
            return super().perform()
