// A trained model in Rust: rustc -L build/lib examples/model.rs; LD_LIBRARY_PATH=build/lib ./model m.lcm
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr::null_mut;

#[link(name = "lstmcore")]
extern "C" {
    fn lc_model_load(path: *const c_char, model: *mut *mut c_void) -> c_int;
    fn lc_model_free(model: *mut c_void);
    fn lc_model_inputs(model: *const c_void) -> i64;
    fn lc_model_outputs(model: *const c_void) -> i64;
    fn lc_stream_measure(model: *const c_void, rows: i64, memory: *mut usize) -> c_int;
    fn lc_stream_open(model: *const c_void, rows: i64, memory: *mut u8, stream: *mut *mut c_void) -> c_int;
    fn lc_stream_step(stream: *mut c_void, x: *const f32, y: *mut f32) -> c_int;
    fn lc_status_text(status: c_int) -> *const c_char;
}

fn check(status: c_int) {
    assert!(status == 0, "lstmcore: {:?}", unsafe { CStr::from_ptr(lc_status_text(status)) });
}

fn main() {
    let path = CString::new(std::env::args().nth(1).unwrap_or("m.lcm".into())).unwrap();
    let (mut model, mut stream, mut bytes) = (null_mut(), null_mut(), 0);
    unsafe {
        check(lc_model_load(path.as_ptr(), &mut model));
        check(lc_stream_measure(model, 1, &mut bytes));
        let mut memory = vec![0u8; bytes];
        check(lc_stream_open(model, 1, memory.as_mut_ptr(), &mut stream));
        let mut x = vec![0f32; lc_model_inputs(model) as usize];
        let mut y = vec![0f32; lc_model_outputs(model) as usize];
        for t in 0..3 {
            x[0] = 0.5 * t as f32;
            check(lc_stream_step(stream, x.as_ptr(), y.as_mut_ptr()));
            println!("{}", y[0]);
        }
        lc_model_free(model);
    }
}
