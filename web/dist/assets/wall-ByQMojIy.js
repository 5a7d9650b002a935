import{t,_ as s,s as o,a,P as e}from"./page-mkIb30JX.js";const i="Supervisor’s wall",l={title:i},r=t(l,{de:()=>s(()=>import("./de-Dar4iAwM.js"),[])});o(()=>a(e,{title:r("title")}));
