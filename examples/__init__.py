"""amongo as its users see it: `fastapi_app` is a service, `tour` shows it at work (`make run`)."""
