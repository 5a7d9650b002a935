const e="Agentenfenster",t={title:e};export{t as default,e as title};
