"""The operator's numbers: what is sold, what Claude takes of it, who pays and who leaves. Read from totals alone."""
