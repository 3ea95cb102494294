"""What the node does, one class per duty: intake, planner, analyst, courier, sweeper.

They sit between the flow and its drivers: Celery tasks in `worker/` call them, and so does `appliance process` without
any service. Hence they must not live in `worker/`, whose siblings may not import it. Each takes its ports and stores
in its constructor; `bootstrap` wires them.
"""
