"""The report: from the first scan to the sale, in numbers of groups. Nobody's name, only reads."""
