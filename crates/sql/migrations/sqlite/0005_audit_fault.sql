-- Faulty part of the client's input, such as ('claim', 'exp', 'missing'). All three are set, or none.
ALTER TABLE audit ADD COLUMN fault_part TEXT;
ALTER TABLE audit ADD COLUMN fault_name TEXT;
ALTER TABLE audit ADD COLUMN fault_problem TEXT;
