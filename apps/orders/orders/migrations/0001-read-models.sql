-- The read models make their own tables here, and the service may do so nowhere else.
CREATE SCHEMA read_models;
GRANT USAGE, CREATE ON SCHEMA read_models TO orders_orders;
