"""What a BSON value is: types, total order, equality, key bytes, numbers, paths, dates, and the codec."""
