# %% grade_id="double"
async def double(x):
    import asyncio

    await asyncio.sleep(10_000)
