"""Geometry: what places are, on the sphere and on the plane, and how they lie to one another.

The story, bottom up: `vectors` and `edges` are arithmetic on the sphere; `cells`, `lines`, `loops`, `polygons` and
`caps` are its figures, `planar` those of the plane; `geometry` is a place of a document or a query, whatever figures
it has; `parse` reads one; `predicates` and `near` are the operators of filters; `index_values` says what a geospatial
index takes of a document.

The sphere is that of the server: edges are arcs of great circles, and the same questions are asked in the same order
with the same arithmetic as in the S2 library that it uses, so that also places on a boundary come out alike. Source:
manual, Geospatial Queries; GeoJSON Objects; s2geometry.io.
"""
