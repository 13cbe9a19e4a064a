import type { State } from '../status/component-status';

/**
 * Most mail programs read this; those that drop it show the same with what stands inline: fonts, widths, the colours of states. Classes keep
 * a month of days below the 102 kB beyond which some cut a message off.
 */
export const MONTHLY_STYLE = `
:root{color-scheme:light dark}
body,td,th,p,h1,h2{font-family:Arial,Helvetica,sans-serif}
.t{font-size:14px;line-height:20px}.t th,.t td{text-align:left;vertical-align:top;border-top:1px solid #dde1e8;overflow-wrap:break-word}.t thead th{border-top:0;color:#566074;font-size:13px;vertical-align:bottom}
.n{line-height:18px}.n th,.n td{white-space:nowrap;padding:2px 8px}.n tr>td,.n tr>th{border-top-color:#edf0f4}.n .d>td,.n .d>th{border-top:1px solid #8a94a6}
.t .w td{border-top:0;padding-top:0}
.c td{padding:0 1px;vertical-align:bottom;border:0}
.soft{color:#566074}
@media (prefers-color-scheme:dark){body,.page{background:#12151b!important}.card{background:#1b2029!important}body,.card,h1,h2,td,th,p{color:#e8ebf1!important}.soft,.t thead th,.k::before{color:#a5afc0!important}.t td,.t th{border-color:#303846!important}.OK{background:#143524!important;color:#7ddca6!important}.WARNING{background:#3b2c0b!important;color:#ffcf73!important}.CRITICAL{background:#451a1e!important;color:#ff9aa0!important}.c div{background:#6ea0ff!important}}
@media (max-width:640px){.page>tbody>tr>td{padding:0!important}.card>tbody>tr>td{padding:16px 12px!important}.n th,.n td{font-size:12px;padding:2px!important}.n thead th{font-size:11px!important;letter-spacing:-.2px}
.s>thead{display:none}.s>tbody>tr,.s>tbody>tr>th,.s>tbody>tr>td{display:block;padding:1px 0!important;border:0!important}.s>tbody>tr{padding:8px 0!important;border-top:1px solid #dde1e8!important}.s>tbody>.w{padding-top:0!important;border-top:0!important}.k::before{content:attr(data-l) ": ";color:#566074}}
@media print{body,.page{background:#fff!important}.card{width:100%!important;max-width:none!important}tr,h2{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}}
@page{margin:15mm}
`;

export const FONT = 'font-family:Arial,Helvetica,sans-serif;';
export const SOFT = 'color:#566074;';
export const COLOURS: Readonly<Record<State, string>> = { OK: 'background:#dff3e7;color:#0b6b3a;', WARNING: 'background:#fff0cf;color:#7a4b00;', CRITICAL: 'background:#fde3e4;color:#a4141f;' };
export const SIGNS: Readonly<Record<State, string>> = { OK: '\u2713', WARNING: '!', CRITICAL: '\u2715' };
