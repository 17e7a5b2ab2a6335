// {{ untouched }}
