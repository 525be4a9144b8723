"""Orders as the office brings them: a CSV file in, tickets on paper out."""
