import asyncio
import os

from writ_kit.agent import Agent, Key, ResourceRefused


async def main() -> None:
    issuer, resource = os.environ["ISSUER"], os.environ["RESOURCE"]
    registered = Key.from_pem(os.environ["KEY"])  # says who the agent is
    agent = await Agent.discover(issuer, "agt_planner", assertion=registered, dpop=Key.generate())

    redirect_uri = "https://planner.example/cb"
    pending = await agent.authorize(redirect_uri=redirect_uri, resource=resource, scope="accounts:read", purpose="Keep the books")
    print(f"open {pending.url}", flush=True)
    came_back_to = await asyncio.to_thread(input, "the address it came back to: ")
    grant = await pending.complete(came_back_to, resource)

    read = await agent.call(grant, "GET", f"{resource}/accounts")
    print(read.text, flush=True)

    try:
        written = await agent.call(grant, "POST", f"{resource}/accounts")
    except ResourceRefused as refused:
        if refused.scope is None:
            raise
        question = await agent.confirm(grant, resource=resource, scope=refused.scope, binding_message="Invoice 4711")
        once = await question.wait()  # the person decides on the phone
        written = await agent.call(once, "POST", f"{resource}/accounts")
    print(written.text)


asyncio.run(main())
