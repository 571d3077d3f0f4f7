"""Operations: what a service task in a diagram may do. Registered here, typed, one concern per file; they only touch the database."""
