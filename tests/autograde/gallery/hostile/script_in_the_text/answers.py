# %% [markdown] grade_id="why"
# <script>alert(7)</script> [click](javascript:alert(8)) <img src=x onerror=alert(9)>
#
# ![x](x" onerror="alert(10)) {{ 7 * 7 }} ${7*7} </details></section></body>
