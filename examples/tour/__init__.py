"""The tour that `make run` gives: `python -m examples.tour [--once] [--port N]`.

`__main__` is the order of events; `dataset` and `loading` bring the flights in, `service` starts, kills and stops the
web service, `visits` drives it over HTTP as a client would (`events` and `live` are a browser's side of it), `crash`
kills it among acknowledged writes, `screen` shows how each step went. A step that does not hold ends the tour with
exit code 1.
"""
