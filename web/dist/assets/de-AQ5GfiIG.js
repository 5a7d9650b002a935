const t="Verwaltung",e={title:t};export{e as default,t as title};
