-- The five years of a report's reference are about the reference, which stays with its filing; the
-- sealed copies are kept for as long as the other holds say.
CREATE OR REPLACE FUNCTION evidence_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM holds h WHERE h.case_id = NEW.case_id AND h.ended_at IS NULL
             AND h.until > NEW.destroyed_at AND h.ground <> 'uk.nca.reference'
             AND (h.item IS NULL OR h.item = NEW.id)) THEN
    RAISE EXCEPTION 'a hold stands' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
