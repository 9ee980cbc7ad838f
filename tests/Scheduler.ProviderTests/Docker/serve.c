#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <netinet/in.h>
#include <sys/socket.h>
static void bye(int s){_exit(0);}
int main(int c,char**v){
  setvbuf(stdout,0,_IOLBF,0); signal(SIGTERM,bye); signal(SIGPIPE,SIG_IGN);
  const char*mode="serves"; int port=8000;
  for(int i=1;i<c;i++){ if(!strcmp(v[i],"--mode")&&i+1<c)mode=v[++i]; else if(!strcmp(v[i],"--port")&&i+1<c)port=atoi(v[++i]); }
  printf("starting mode %s\n",mode); fprintf(stderr,"loading weights\n");
  if(!strcmp(mode,"oom-at-load")){ fprintf(stderr,"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which 1.5 GiB is free.\n"); return 1; }
  if(!strcmp(mode,"model-load-error")){ fprintf(stderr,"OSError: tiny does not appear to have a file named config.json.\n"); return 1; }
  if(!strcmp(mode,"exits")){ fprintf(stderr,"bye\n"); return 3; }
  if(!strcmp(mode,"hog")){ for(;;){ char*p=malloc(1<<20); memset(p,1,1<<20);} }
  int s=socket(AF_INET,SOCK_STREAM,0),one=1; setsockopt(s,SOL_SOCKET,SO_REUSEADDR,&one,sizeof one);
  struct sockaddr_in a={.sin_family=AF_INET,.sin_port=htons(port)};
  if(!strcmp(mode,"never-ready")) for(;;) pause();
  if(bind(s,(void*)&a,sizeof a)||listen(s,64)){perror("bind");return 2;}
  printf("ready\n");
  for(;;){int f=accept(s,0,0); if(f<0)continue; char b[8192]; read(f,b,sizeof b);
    const char*r="HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"; write(f,r,strlen(r)); shutdown(f,1); while(read(f,b,sizeof b)>0); close(f);}
}
