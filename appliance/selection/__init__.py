"""Study -> the series each model wants, with every reason kept. Pure: headers in, choices out."""
