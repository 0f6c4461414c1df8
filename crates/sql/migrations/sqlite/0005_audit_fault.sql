-- Which part of what the client sent was at fault, such as ('claim', 'exp', 'missing'). All three or none.
ALTER TABLE audit ADD COLUMN fault_part TEXT;
ALTER TABLE audit ADD COLUMN fault_name TEXT;
ALTER TABLE audit ADD COLUMN fault_problem TEXT;
