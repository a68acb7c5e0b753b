//! Driving futures without a runtime.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A future of a suite.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Drives a task to its end on the calling thread.
pub type Run = fn(Task<'_>);

/// Drives a task by parking the thread, for adapters that need no runtime.
pub fn block_on(task: Task<'_>) {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut task = pin!(task);
    while task.as_mut().poll(&mut context) == Poll::Pending {
        thread::park();
    }
}

/// Drives a future and gives what it ends with.
pub fn drive<T: Send>(run: Run, future: impl Future<Output = T> + Send) -> T {
    let mut outcome = None;
    run(Box::pin(async { outcome = Some(future.await) }));
    outcome.unwrap()
}
