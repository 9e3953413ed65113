/** The page's script: polls values, draws curves as SVG, lists alarms. Plain script as old firmware has it; names, order and quotes are drawn. */
import type { Random } from '../../portal/random.ts'
import type { Skin } from './skin.ts'

/** `@name@` is a name of this site's own. */
const functions = (json: boolean): string[] => [
  `function @get@(u,f){var x=new XMLHttpRequest();x.onreadystatechange=function(){if(x.readyState==4){f(x.status==200?x.responseText:null)}};x.open("GET",u,true);x.send()}`,
  `function @el@(i){return document.getElementById(i)}`,
  `function @put@(k,t,l){var e=@el@("@pre@"+k),g=@el@("@bar@"+k),s=@el@("@lamp@"+k);if(e&&e.innerHTML!=t)e.innerHTML=t;if(g)g.style.height=l/10+"%";if(s)s.setAttribute("data-s",l?(s.getAttribute("data-w")?3:1):0)}`,
  json
    ? `function @take@(r){var o=JSON.parse(r),k;for(k in o["@values@"])@put@(k,o["@values@"][k][0],o["@values@"][k][1]);@state@(o["@time@"],o["@mode@"],o["@alarms@"])}`
    : `function @take@(r){var a=r.split("\\n"),o={},i,p,q;for(i=0;i<a.length;i++){p=a[i].indexOf("=");if(p<1)continue;q=a[i].substr(p+1).split("|");if(q.length>1)@put@(a[i].substr(0,p),q[0],+q[1]);else o[a[i].substr(0,p)]=q[0]}@state@(o["@time@"],o["@mode@"],o["@alarms@"])}`,
  `function @state@(t,m,n){var e=@el@("@clock@");if(e)e.innerHTML=t;e=@el@("@cpu@");if(e)e.innerHTML=m;e=@el@("@cpuled@");if(e)e.setAttribute("data-s",m=="RUN"?1:2);e=@el@("@count@");if(e)e.innerHTML=n;e=@el@("@countled@");if(e)e.setAttribute("data-s",+n?3:0)}`,
  `function @poll@(){@get@("@u values@"+location.search.replace(/^\\?/,"?"),function(r){if(r)@take@(r);setTimeout(@poll@,@ms@)})}`,
  `function @draw@(s,d){var w=s.clientWidth||600,h=s.clientHeight||200,i,lo=1e9,hi=-1e9,p=[],x,y,o="";for(i=0;i<d.length;i++){lo=Math.min(lo,d[i][1]);hi=Math.max(hi,d[i][1])}if(!(hi>lo)){hi=lo+1;lo=lo-1}y=(hi-lo)*0.08;lo-=y;hi+=y;for(i=0;i<d.length;i++){x=44+(w-54)*(d[i][0]-d[0][0])/(d[d.length-1][0]-d[0][0]||1);y=10+(h-32)*(hi-d[i][1])/(hi-lo);p.push(x.toFixed(1)+","+y.toFixed(1))}for(i=0;i<5;i++){y=10+(h-32)*i/4;o+='<line x1="44" x2="'+(w-10)+'" y1="'+y+'" y2="'+y+'"/><text x="2" y="'+(y+4)+'">'+(hi-(hi-lo)*i/4).toFixed(hi-lo<8?2:0)+"</text>"}for(i=0;i<4&&d.length;i++){x=new Date(d[Math.floor((d.length-1)*i/3)][0]*1000+@zone@);o+='<text x="'+(44+(w-84)*i/3)+'" y="'+(h-4)+'">'+("0"+x.getUTCHours()).slice(-2)+":"+("0"+x.getUTCMinutes()).slice(-2)+"</text>"}s.setAttribute("viewBox","0 0 "+w+" "+h);s.innerHTML=o+'<polyline points="'+p.join(" ")+'"/>'}`,
  `function @curve@(s){@get@("@u history@?k="+s.getAttribute("data-k")+"&h="+(@hours@()),function(r){if(!r)return;var a=r.split(";"),d=[],i,q;for(i=0;i<a.length;i++){q=a[i].split(",");if(q.length==2)d.push([+q[0],+q[1]])}if(d.length)@draw@(s,d)})}`,
  `function @hours@(){var e=@el@("@span@");return e?e.value:1}`,
  `function @curves@(){var a=document.getElementsByTagName("svg"),i;for(i=0;i<a.length;i++)if(a[i].getAttribute("data-k"))@curve@(a[i])}`,
  `function @list@(){var e=@el@("@table@");if(!e)return;@get@("@u alarms@"+location.search,function(r){if(r!==null)e.innerHTML=r;setTimeout(@list@,@ms@*2)})}`,
  `function @begin@(){@poll@();@list@();@curves@();var e=@el@("@span@");if(e)e.onchange=@curves@;if(document.getElementsByTagName("svg").length)setInterval(@curves@,15000)}`,
]

/** Ids that pages and script share. */
export const ids = ['pre', 'bar', 'lamp', 'clock', 'cpu', 'cpuled', 'count', 'countled', 'span', 'table'] as const

/** The script of a site. */
export function pageScript(skin: Pick<Skin, 'markup' | 'style' | 'template' | 'at' | 'field' | 'offsetMs'>, random: Random): string {
  const { markup, style, template, at, field, offsetMs } = skin
  const known: Record<string, string> = { ms: String(template.pollMs), zone: String(offsetMs), ...field }
  for (const [name, path] of Object.entries(at)) known[`u ${name}`] = path
  const name = (role: string): string => {
    if (!(role in known))
      known[role] = (ids as readonly string[]).includes(role) ? markup.id(`hmi ${role}`) : markup.id(`hmi f ${role}`).replaceAll('-', '_').replace(/^\d/, '_')
    return known[role] as string
  }
  const single = random.chance(0.5)
  const pieces = random.shuffle(functions(style.data.wire === 'json')).map((piece) => {
    const filled = piece.replace(/@([a-z]+(?: [a-z]+)?)@/g, (_, role: string) => name(role))
    return single ? swapQuotes(filled) : filled
  })
  const joint = random.pick(['\n', '\n\n', '\r\n', ''])
  const start = random.pick([`window.onload=${name('begin')};`, `if(document.readyState=="complete")${name('begin')}();else window.onload=${name('begin')};`])
  return `${pieces.join(joint)}${joint}${single ? swapQuotes(start) : start}${joint}`
}

const swapQuotes = (text: string): string => text.replace(/["']/g, (quote) => (quote === '"' ? "'" : '"'))
