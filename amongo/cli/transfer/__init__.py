"""Import and export: documents between files and collections.

Everything here passes documents as their BSON bytes, one after another, so that no type is lost on the way and memory
does not grow with the file. A reader yields `(place, bytes)`, the place counting what `Reader.unit` says (lines, rows,
documents); a writer takes bytes. `loading` puts what a reader yields into a collection.
"""
