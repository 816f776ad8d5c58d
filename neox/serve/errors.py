"""What a client did wrong, as OpenAI's clients want to hear it."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """status: HTTP's; param: the field at fault; code: short and stable."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code, self.headers = status, param, code, headers or {}

    def body(self) -> dict[str, Any]:
        kind = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "server_error"
        )
        told = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": told}


def bad(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=param, code=code)
