"""The figures of Nayebi, Cable and Wedeen 2015 on a recording of one's choice, and what becomes of its claims."""
