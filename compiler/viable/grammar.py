"""Python's grammar as `automaton.py` reads it: regular expressions over tokens and rules.

`name: ...` is a rule and costs a stack frame when it is used; `name = ...` is only an abbreviation.
`-> shape` says what an alternative gives: `name` (one name and no more), `single` (a target that
can be annotated), `del` (several targets, deletable), `tgt` (several, with a star); nothing means
any other expression. `rule.shape` asks for that shape. `x@12` exists from Python 3.12 on, `x@-12`
before it. Operators bind in no order here: which texts are valid does not depend on it, but for
the prefixes. Two ways to read one token are followed side by side (`match`, `type`, `with (`).
"""

from __future__ import annotations

from typing import Final

GRAMMAR: Final = r"""
file: statement* END
statement = line | if | while | for | with | try | def | class | async | decorated | match@10
block: NEWLINE INDENT statement+ DEDENT | line
line: simple (';' simple)* [';'] NEWLINE

simple = assignment | 'return' [exprs] | 'raise' [expr ['from' expr]] | 'pass' | 'break'
    | 'continue' | 'del' gone (',' gone)* [','] | 'assert' expr [',' expr]
    | ('global' | 'nonlocal') NAME (',' NAME)* | 'import' module (',' module)*
    | 'from' (('.' | '...')* dotted | ('.' | '...')+) 'import' imported
    | (TYPE NAME [types] '=' expr)@12
module = dotted ['as' NAME]
dotted = NAME ('.' NAME)*
imported = '*' | alias (',' alias)* | '(' alias (',' alias)* [','] ')'
alias = NAME ['as' NAME]

assignment = (targets '=')* value | one augmented value | one ':' expr ['=' value]
augmented = '+=' | '-=' | '*=' | '/=' | '//=' | '%=' | '@=' | '&=' | '|=' | '^=' | '<<=' | '>>='
    | '**='
value = yield | exprs
yield = 'yield' ('from' expr | [exprs])
exprs = (expr | star) (',' (expr | star))* [',']
star = '*' bits
one = expr.name | expr.single
flat = one | expr.del
target = flat | expr.tgt | startarget
startarget = '*' (bits.name | bits.single | bits.del | bits.tgt)
targets = target (',' target)* [',']
gone = place.name | place.single | place.del
bound = place.name | place.single | place.del | place.tgt
for_target = bound | '*' bound
for_targets = for_target (',' for_target)* [',']

if: 'if' named ':' block ('elif' named ':' block)* [else]
else = 'else' ':' block
while: 'while' named ':' block [else]
for: for_loop
for_loop = 'for' for_targets 'in' exprs ':' block [else]
with: with_block
with_block = 'with' (item (',' item)* | ('(' item (',' item)* [','] ')')@9) ':' block
item = expr ['as' for_target]
try: 'try' ':' block (handler+ [else] [finally] | (group@11)+ [else] [finally] | finally)
handler = 'except' [expr ['as' NAME]] ':' block | ('except' expr (',' expr)* [','] ':' block)@14
group = 'except' '*' expr ['as' NAME] ':' block | ('except' '*' expr (',' expr)* [','] ':' block)@14
finally = 'finally' ':' block
def: function
function = 'def' NAME [types] '(' [params] ')' ['->' expr] ':' block
class: 'class' NAME [types] ['(' [args] ')'] ':' block
async: 'async' (function | for_loop | with_block)
decorated: ('@' (named@9 | (dotted [call])@-9) NEWLINE)+ (def | class | 'async' def)
match: MATCH subject ':' NEWLINE INDENT case+ DEDENT
subject = named | element ',' [element (',' element)* [',']]
case: CASE patterns ['if' named] ':' block

types = ('[' type (',' type)* [','] ']')@12
type = NAME [':' expr] [('=' expr)@13] | '*' NAME [('=' (expr | star))@13]
    | '**' NAME [('=' expr)@13]
params = param (',' param)* [',' '/' (',' param)*] (',' default)* tail
    | param (',' param)* (',' default)+ [',' '/' (',' default)*] tail
    | default (',' default)* [',' '/' (',' default)*] tail | rest
tail = [',' [rest]]
param = NAME [':' expr]
default = param '=' expr
rest = '*' NAME [':' (expr | star@11)] (',' key)* [',' [keys]] | '*' (',' key)+ [',' [keys]] | keys
key = param ['=' expr]
keys = '**' param [',']
lparams: NAME (',' NAME)* [',' '/' (',' NAME)*] (',' ldefault)* ltail
    | NAME (',' NAME)* (',' ldefault)+ [',' '/' (',' ldefault)*] ltail
    | ldefault (',' ldefault)* [',' '/' (',' ldefault)*] ltail | lrest
ltail = [',' [lrest]]
ldefault = NAME '=' expr
lrest = '*' NAME (',' lkey)* [',' [lkeys]] | '*' (',' lkey)+ [',' [lkeys]] | lkeys
lkey = NAME ['=' expr]
lkeys = '**' NAME [',']

expr: NAME -> name | places | (head | test 'if' test 'else')* test
head = 'lambda' [lparams] ':'
fexpr: (test 'if' test 'else')* test
disjunction: test
bits: NAME -> name | places | sum
place: NAME -> name | places | primary
places = primary ('.' NAME | subscript) -> single | paren.single -> single | paren.del -> del
    | paren.tgt -> tgt | list.del -> del | list.tgt -> tgt
test = inversion (('and' | 'or') inversion)*
inversion = ('not')* sum (comparison sum)*
comparison = '<' | '>' | '==' | '>=' | '<=' | '!=' | 'in' | 'not' 'in' | 'is' ['not']
sum = operand (operator operand)*
operator = '+' | '-' | '*' | '/' | '//' | '%' | '@' | '&' | '|' | '^' | '<<' | '>>' | '**'
operand = ('+' | '-' | '~')* ['await'] primary
primary = atom ('.' NAME | call | subscript)*
atom = NAME | NUMBER | IMAGINARY | strings | 'None' | 'True' | 'False' | '...' | paren | list
    | brace
strings = (STRING | fstring)+ | BYTES+ | tstring+
named = expr.name [':=' expr] | expr
element = named | star

paren: '(' ')' -> del | '(' one ')' -> single | '(' expr.del ')' -> del | '(' expr.tgt ')' -> tgt
    | '(' flat (',' | (',' flat)+ [',']) ')' -> del
    | '(' target (',' | (',' target)+ [',']) ')' -> tgt
    | '(' (yield | named | element (',' | (',' element)+ [',']) | named comp) ')'
list: '[' [flat (',' flat)* [',']] ']' -> del | '[' target (',' target)* [','] ']' -> tgt
    | '[' (element (',' element)* [','] | named comp) ']'
brace: '{' [element (',' element)* [','] | pair (',' pair)* [',']
    | (named | expr ':' expr) comp] '}'
pair = expr ':' expr | '**' bits
comp = (['async'] 'for' for_targets 'in' disjunction ('if' disjunction)*)+
call: '(' [args | named comp] ')'
args = (positional ',')* (positional [','] | (keyword ',')* (keyword [',']
    | (unpacked ',')* unpacked [',']))
positional = named | '*' expr
keyword = NAME '=' expr | '*' expr
unpacked = NAME '=' expr | '**' expr
subscript: '[' slice (',' slice)* [','] ']'
slice = [expr] ':' [expr] [':' [expr]] | named@10 | expr | ('*' expr)@11

fstring: FSTART field* FEND
tstring: TSTART field* FEND
field: FIELD (fyield | fexprs@12 | bracketed@-12) ['='] [CONVERSION] [SPEC field*] FIELD_END
fyield = 'yield' ('from' fexpr | [fexprs])
fexprs = (fexpr | star) (',' (fexpr | star))* [',']
bracketed = fexpr [comp] | (fexpr | star) (',' | (',' (fexpr | star))+ [','])

patterns = pattern | part ',' [part (',' part)* [',']]
part = pattern | '*' NAME
pattern: NAME -> name | closed ('|' closed)* ['as' CAPTURE]
closed = UNDERSCORE | CAPTURE ('.' NAME)* [pclass] | literal | pgroup | plist | pmap
literal = ['-'] NUMBER | ['-'] IMAGINARY | ['-'] NUMBER ('+' | '-') IMAGINARY | strings | 'None'
    | 'True' | 'False'
pgroup: '(' [pattern | part (',' | (',' part)+ [','])] ')'
plist: '[' [part (',' part)* [',']] ']'
pmap: '{' [entry (',' entry)* [','] | (entry ',')* '**' CAPTURE [',']] '}'
entry = (literal | NAME ('.' NAME)+) ':' pattern
pclass: '(' [(pattern ',')* (pattern [','] | (attribute ',')* attribute [','])] ')'
attribute = pattern.name '=' pattern
"""
