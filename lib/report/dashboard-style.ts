/** Light and dark by the reader's choice; every state is also told by a word and a sign, never by colour alone. */
export const DASHBOARD_STYLE = `
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1c2330;--soft:#566074;--line:#dde1e8;--ok:#0b6b3a;--okbg:#dff3e7;--warn:#7a4b00;--warnbg:#fff0cf;--bad:#a4141f;--badbg:#fde3e4;--bar:#2f6fde;--track:#e3e8f1}
@media (prefers-color-scheme:dark){:root{--page:#12151b;--card:#1b2029;--ink:#e8ebf1;--soft:#a5afc0;--line:#303846;--ok:#7ddca6;--okbg:#143524;--warn:#ffcf73;--warnbg:#3b2c0b;--bad:#ff9aa0;--badbg:#451a1e;--bar:#6ea0ff;--track:#2a3240}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:0}h2{font-size:1.15rem;margin:2rem 0 .6rem}h3{font-size:1.05rem;margin:0}
p{margin:.3rem 0}.whole{white-space:nowrap}.soft{color:var(--soft)}.small{font-size:.875rem}code{font:.85em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between}
.state{display:inline-flex;align-items:center;gap:.4em;padding:.1em .65em;border-radius:99px;font-size:.875rem;font-weight:600;white-space:nowrap}
main>header .state{font-size:1.05rem;padding:.25em .9em}
.OK{color:var(--ok);background:var(--okbg)}.WARNING{color:var(--warn);background:var(--warnbg)}.CRITICAL{color:var(--bad);background:var(--badbg)}.NONE{color:var(--soft);background:var(--track)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(21rem,100%),1fr));gap:.9rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.9rem 1rem;min-width:0}
.card header{margin-bottom:.5rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem .8rem;margin:0;font-size:.875rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul{margin:.5rem 0 0;padding-left:1.2rem}li{overflow-wrap:anywhere}.reasons{margin:0 0 .6rem;font-size:.9375rem;font-weight:500}
.notice{border:1px solid currentColor;border-left-width:.4rem;border-radius:.7rem;padding:.7rem 1rem;margin-top:1rem;overflow-wrap:anywhere}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.7rem}.scroll+.scroll,.small+.scroll{margin-top:.6rem}
table{border-collapse:collapse;width:100%;font-size:.9375rem}th,td{text-align:left;padding:.5rem .8rem;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}td,tbody th{min-width:7rem}thead th{border-top:0;color:var(--soft);font-weight:600;white-space:nowrap}tbody th{font-weight:600}
.days{display:grid;grid-template-columns:repeat(30,minmax(0,1fr));gap:3px;margin:.2rem 0}
.day{height:1.6rem;border-radius:3px;display:flex;flex-direction:column;align-items:center;justify-content:center;font-size:.75rem;line-height:1.1}.day b{font-weight:700}.day i{display:none;font-style:normal;font-size:.65rem}
.day.OK,.day.WARNING,.day.CRITICAL{border:1px solid currentColor}.day.UNKNOWN{border:1px dashed var(--soft);color:var(--soft)}
.axis{margin:.5rem 0 .6rem;font-size:.75rem;color:var(--soft);text-align:center;white-space:nowrap}.axis span{min-width:0}.axis span:first-child{text-align:left}
.key{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem}.key>span{display:inline-flex;align-items:center;gap:.45rem}.key .day{width:1.6rem;height:1.25rem;flex:none}
.timeline{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem 1rem}.timeline>div+div{margin-top:.6rem}
progress{width:100%;height:.7rem;accent-color:var(--bar)}
.meter{height:.6rem;min-width:8rem;margin-top:.45rem;border-radius:99px;background:var(--track);overflow:hidden}.meter i{display:block;height:100%;background:var(--bar)}
a{color:inherit}details{font-weight:400}details summary{cursor:pointer;width:max-content;max-width:100%}
@media (max-width:45rem){body{font-size:15px}
.days{grid-template-columns:repeat(15,minmax(0,1fr))}.day{height:2rem}.day i{display:block}.axis{display:none}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr,td,tbody th{display:block;min-width:0}tbody tr{padding:.55rem .8rem}tbody tr+tr{border-top:1px solid var(--line)}td,tbody th{border:0;padding:.12rem 0}
td{display:grid;grid-template-columns:7.5rem minmax(0,1fr);gap:.6rem}td::before{content:attr(data-label);color:var(--soft)}td{overflow-wrap:anywhere}td>*{grid-column:2;justify-self:start;min-width:0}td>br{display:none}
dl{grid-template-columns:7rem minmax(0,1fr)}.meter{width:100%}}
@media print{body{background:#fff}.card,.scroll,.timeline{break-inside:avoid}}
`;
