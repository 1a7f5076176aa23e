"""Parts that the management API's endpoints share, whatever app they are in.

`fields` are serializer fields, `paging` is the cursor of lists, `json_body` parses strictly, `csv_table` renders CSV.
"""
