"""The dialect: BPMN 2.0 with the Camunda 8 (Zeebe) extension elements, read into the engine's specifications."""
