-- Creates the database and the user of HBNB's tests. The tests delete everything in this database.
-- For MySQL 8 and MariaDB 10.11; you can run it more than once:
--     cat setup_mysql_test.sql | mysql -u root -p
CREATE DATABASE IF NOT EXISTS hbnb_test_db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS 'hbnb_test'@'localhost' IDENTIFIED BY 'hbnb_test_pwd';
ALTER USER 'hbnb_test'@'localhost' IDENTIFIED BY 'hbnb_test_pwd';
GRANT ALL PRIVILEGES ON hbnb_test_db.* TO 'hbnb_test'@'localhost';
GRANT SELECT ON performance_schema.* TO 'hbnb_test'@'localhost';
