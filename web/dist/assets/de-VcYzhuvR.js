const t="Chat",e={title:t};export{e as default,t as title};
