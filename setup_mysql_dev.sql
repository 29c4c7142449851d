-- Creates the database and the user of HBNB's development environment.
-- For MySQL 8 and MariaDB 10.11; you can run it more than once:
--     cat setup_mysql_dev.sql | mysql -u root -p
CREATE DATABASE IF NOT EXISTS hbnb_dev_db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS 'hbnb_dev'@'localhost' IDENTIFIED BY 'hbnb_dev_pwd';
ALTER USER 'hbnb_dev'@'localhost' IDENTIFIED BY 'hbnb_dev_pwd';
GRANT ALL PRIVILEGES ON hbnb_dev_db.* TO 'hbnb_dev'@'localhost';
GRANT SELECT ON performance_schema.* TO 'hbnb_dev'@'localhost';
